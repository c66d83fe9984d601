"""Natural second takes of one lead vocal: `Doubler` makes them, `Knobs` say how different, `DeviationCurves` say how exactly."""

__version__ = "0.1.0"
__all__ = ["DeviationCurves", "Doubler", "Knobs"]

_HOMES = {"Doubler": "doubler", "Knobs": "config", "DeviationCurves": "curves.base"}


def __getattr__(name: str):
    # Loaded when first used, so that `import vocaldouble` costs nothing (PEP 562).
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list:
    return sorted([*globals(), *_HOMES])
