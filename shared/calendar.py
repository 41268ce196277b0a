"""Working days in Denmark: Monday to Friday, less the public holidays (library `holidays`, legal holidays only)."""

from datetime import date, timedelta

import holidays

FREE = holidays.country_holidays("DK")
SATURDAY = 5


def is_working_day(day: date) -> bool:
    return day.weekday() < SATURDAY and day not in FREE


def after_working_days(day: date, number: int) -> date:
    """The day that is so many working days after the day; the day itself does not count."""
    while number > 0:
        day += timedelta(days=1)
        number -= is_working_day(day)
    return day
