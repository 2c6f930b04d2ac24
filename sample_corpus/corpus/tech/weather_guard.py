"""Decide from weather readings whether the dome has to be closed.

Runs on the small computer in the dome, every ten seconds. The limits are those of the weather
closure policy, version 4. If you change a number here without changing the policy, Tobias will
find out, and he will be sad.
"""

from dataclasses import dataclass

GUST_LIMIT_KMH = 45
MEAN_WIND_LIMIT_KMH = 35
HUMIDITY_LIMIT_PERCENT = 85
DEW_POINT_MARGIN_C = 2.0
LIGHTNING_LIMIT_KM = 30
FINE_DUST_LIMIT_UG_M3 = 60
# The grease in the shutter rail turns to candle wax below this.
AIR_MINIMUM_C = -18

# A station that has said nothing for this long is treated as a storm.
SILENCE_LIMIT_SECONDS = 90


@dataclass(frozen=True)
class Reading:
    """One line from the weather station, in the units that people on the terrace use."""

    age_seconds: float
    gust_kmh: float
    mean_wind_kmh: float
    humidity_percent: float
    air_c: float
    dew_point_c: float
    rain: bool
    lightning_km: float | None
    pm10_ug_m3: float


def reasons_to_close(reading: Reading) -> list[str]:
    """Every limit that the reading breaks, in words for the log; empty means: stay open."""
    if reading.age_seconds > SILENCE_LIMIT_SECONDS:
        return ["E-412 weather station silent"]
    broken = {
        "gust": reading.gust_kmh >= GUST_LIMIT_KMH,
        "mean wind": reading.mean_wind_kmh >= MEAN_WIND_LIMIT_KMH,
        "humidity": reading.humidity_percent >= HUMIDITY_LIMIT_PERCENT,
        "dew point": reading.air_c - reading.dew_point_c < DEW_POINT_MARGIN_C,
        "rain": reading.rain,
        "lightning": reading.lightning_km is not None and reading.lightning_km <= LIGHTNING_LIMIT_KM,
        "fine dust": reading.pm10_ug_m3 > FINE_DUST_LIMIT_UG_M3,
        "cold": reading.air_c < AIR_MINIMUM_C,
    }
    return [name for name, is_broken in broken.items() if is_broken]


def may_reopen(calm_minutes: float, minutes_since_lightning: float | None) -> bool:
    """Whether the calm has lasted long enough; lightning asks for more patience than wind."""
    if minutes_since_lightning is not None and minutes_since_lightning < 45:
        return False
    return calm_minutes >= 30
