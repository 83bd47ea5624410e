"""What is stored, over what the environment says -> the settings in force, read again after a second at most."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from segmentator_dagster.domain.installation import EffectiveSettings, InstallationSettings
from segmentator_dagster.storage.metadata.installation import Installation

KEPT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class _Read:
    began: float  # by the monotonic clock
    effective: EffectiveSettings


class CurrentSettings:
    """Share between threads; a copy of it in a forked process reads for itself."""

    def __init__(self, installation: Installation, environment: EffectiveSettings) -> None:
        self.environment = environment
        self._installation = installation
        self._last: _Read | None = None
        self._storing = threading.Lock()

    def now(self) -> EffectiveSettings:
        """What was in force at some moment of the last second. UserError database_unavailable."""
        last = self._last
        if last is not None and time.monotonic() - last.began < KEPT_SECONDS:
            return last.effective
        return self.read()

    def read(self) -> EffectiveSettings:
        """What is in force at this moment. UserError database_unavailable."""
        began = time.monotonic()
        document, _ = self._installation.settings()
        effective = self.environment.under(InstallationSettings.model_validate(document))
        with self._storing:  # a reading that began earlier and ends later is not the newer one
            if self._last is None or self._last.began <= began:
                self._last = _Read(began, effective)
        return effective

    @property
    def last(self) -> EffectiveSettings:
        """What was read last, however long ago; what the environment says where nothing was."""
        return self._last.effective if self._last is not None else self.environment
