"""Amounts as people write them to integers in the minor unit: 12.5 EUR → 1250."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Final

_NONE: Final = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE: Final = "BHD IQD JOD KWD LYD OMR TND"
_FOUR: Final = "CLF UYW"
# ISO 4217, list one. CLDR's digits, which libraries offer, are those that people write, and differ.
_EXPONENTS: Final = {
    currency: exponent
    for exponent, currencies in ((0, _NONE), (3, _THREE), (4, _FOUR))
    for currency in currencies.split()
}
_WHOLE: Final = Decimal(1)


def exponent_of(currency: str) -> int:
    """Decimal places of the currency's minor unit."""
    return _EXPONENTS.get(currency, 2)


def to_minor(amount: object, currency: str) -> int | None:
    """The amount in minor units, halves away from zero; None if it is no number.

    Numbers may be text ("12.50"). A float counts as the shortest decimal it stands for, so 19.99 is 1999.
    """
    if isinstance(amount, bool) or not isinstance(amount, (int, float, str)):
        return None
    try:
        scaled = Decimal(str(amount).strip()).scaleb(exponent_of(currency))
        return int(scaled.quantize(_WHOLE, ROUND_HALF_UP)) if scaled.is_finite() else None
    except (ArithmeticError, ValueError):  # no number, or more than 28 digits
        return None
