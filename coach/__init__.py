"""coach: real-time call-script coaching for Chinese-language contact centers."""

__version__ = "0.1.0"
