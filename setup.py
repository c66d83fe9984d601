"""Packaging for vocaldouble. Everything worth changing is in `settings.ini`."""
from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup

here = Path(__file__).parent
config = ConfigParser(delimiters=["="])
config.read(here / "settings.ini", encoding="utf-8")
cfg = config["DEFAULT"]


def listed(key: str) -> list:
    "The requirements listed under `key`, separated by blanks."
    return cfg.get(key, "").split()


profiles = {name: listed(f"{name}_requirements") for name in ("train", "lab", "dev")}

setup(
    name=cfg["lib_name"],
    version=cfg["version"],
    description=cfg["description"],
    long_description=(here / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    keywords=cfg["keywords"],
    license_expression="Apache-2.0",
    license_files=["LICENSE"],
    author=cfg["author"],
    author_email=cfg["author_email"],
    url=cfg["git_url"],
    packages=find_packages(include=["vocaldouble", "vocaldouble.*"]),
    package_data={"vocaldouble": ["py.typed", "assets/*"]},
    include_package_data=False,
    python_requires=f">={cfg['min_python']}",
    install_requires=listed("requirements"),
    extras_require=profiles,
    entry_points={"console_scripts": listed("console_scripts"), "nbdev": ["vocaldouble=vocaldouble._modidx:d"]},
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Environment :: Console",
        "Intended Audience :: Developers",
        "Intended Audience :: End Users/Desktop",
        "Intended Audience :: Science/Research",
        "Operating System :: OS Independent",
        "Programming Language :: Python :: 3 :: Only",
        "Topic :: Multimedia :: Sound/Audio :: Mixers",
        "Topic :: Multimedia :: Sound/Audio :: Sound Synthesis",
        "Typing :: Typed",
    ],
    zip_safe=False,
)
