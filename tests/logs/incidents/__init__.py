"""Logs with a planted, known incident, and quiet ones: the same bytes for the same seed."""

from tests.logs.incidents.catalogue import Spec, catalogue
from tests.logs.incidents.truth import Cause, Count, Incident, Period, Quiet
from tests.logs.incidents.words import background
from tests.logs.incidents.write import write

__all__ = ["Cause", "Count", "Incident", "Period", "Quiet", "Spec", "background", "catalogue", "write"]
