"""Every technique of the course as a pure numpy function, one module per chapter."""

from regopt._activations import *
from regopt._adam_family import *
from regopt._adamw import *
from regopt._adaptive import *
from regopt._adversarial_training import *
from regopt._augmentation import *
from regopt._augmentation_images import *
from regopt._augmentation_text import *
from regopt._dropout import *
from regopt._early_stopping import *
from regopt._gradient_clipping import *
from regopt._gradients import *
from regopt._label_smoothing import *
from regopt._momentum import *
from regopt._normalization import *
from regopt._schedules import *
from regopt._second_order import *
from regopt._soft_thresholding import *
from regopt._stochastic_depth import *
from regopt._transfer import *
from regopt._weight_decay import *
