"""What has the form of personal data or of a secret is replaced, and what looks like it is not."""

import pytest

from runner.decide.bring.personal import Scrubber


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("to ada.l+x@mail.example.co.uk.", "to <email-1>."),
        ("4111-1111-1111-1111", "<card-1>"),
        ("4111-1111-1111-1112", "4111-1111-1111-1112"),
        ("order 1234567890123", "order 1234567890123"),
        ("GB82 WEST 1234 5698 7654 32!", "<iban-1>!"),
        ("GB83 WEST 1234 5698 7654 32", "GB83 WEST 1234 5698 7654 32"),
        ("+47 22 33 44 55", "<phone-1>"),
        ("(555) 123-4567 or 555-123-4567", "<phone-1> or <phone-2>"),
        ("on 2024-01-31 and 01.02.2024", "on 2024-01-31 and 01.02.2024"),
        ("version 1.2.3, 10,000.00", "version 1.2.3, 10,000.00"),
        ("10.20.30.40 and 999.1.1.1", "<ip-1> and 999.1.1.1"),
        ("2001:db8::8a2e:370:7334", "<ip-1>"),
        ("at 12:30:45", "at 12:30:45"),
        ("AKIAIOSFODNN7EXAMPLE", "<secret-1>"),
        ("Bearer abcdef0123456789", "Bearer <bearer-1>"),
        ("password=hunter22 now", "password=<password-1> now"),
    ],
)
def test_forms(text: str, clean: str) -> None:
    """What holds by its check digits or its form goes; days, amounts and versions stay."""
    assert Scrubber().scrub(text) == clean


def test_the_same_within_a_case() -> None:
    """One value is one placeholder in all texts of a case, and two are two."""
    scrubber = Scrubber()
    given = {"input": "a@b.example wrote", "tags": ["c@d.example", "a@b.example"]}
    assert scrubber.scrub(given) == {"input": "<email-1> wrote", "tags": ["<email-2>", "<email-1>"]}
    assert scrubber.counts == {"email": 2}
