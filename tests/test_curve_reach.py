"Curves must not ask for more than a renderer can play."
import numpy as np

from vocaldouble.curves.base import soft_limit_lead_ms
from vocaldouble.deviation import EARLIEST_MS, LATEST_MS
from vocaldouble.render.moving_delay import RenderConfig


def test_renderer_reaches():
    "The renderer plays the earliest and the latest that curves may be, its own drift beside it."
    cfg = RenderConfig()
    assert 1000 * cfg.ahead >= -EARLIEST_MS
    assert 1000 * (cfg.behind - cfg.drift_hard) >= LATEST_MS - 1e-9


def test_soft_limit_is_within_reach():
    "However early a curve is, its limited times stay within reach."
    assert soft_limit_lead_ms(np.array([-1e6, -20.0, 0.0])).min() > EARLIEST_MS
