"""The YAML file as typed settings; every mistake named with its line and what was wanted."""

from canary.config.load import load
from canary.config.mistakes import ConfigError, Mistake
from canary.config.sections import (
    Audit,
    Blackout,
    BlindDrill,
    Gateway,
    Limits,
    Operator,
    RetentionSettings,
    SenderSettings,
    Web,
)
from canary.config.whole import Config, digest, schema

__all__ = [
    "Audit",
    "Blackout",
    "BlindDrill",
    "Config",
    "ConfigError",
    "Gateway",
    "Limits",
    "Mistake",
    "Operator",
    "RetentionSettings",
    "SenderSettings",
    "Web",
    "digest",
    "load",
    "schema",
]
