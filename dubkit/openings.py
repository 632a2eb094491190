"""Words with which a part of a sentence begins: a line of a subtitle is best broken before one, and a speaker may pause there.

Two tables by language (its code without script and region), both of words in small letters: :data:`CONJUNCTIONS`, which
begin a clause, and :data:`OPENING`, which are these and the prepositions that begin the weightier phrases.
"""

from __future__ import annotations

from collections.abc import Mapping


def _table(words: Mapping[str, str]) -> dict[str, frozenset[str]]:
    return {language: frozenset(listed.split()) for language, listed in words.items()}


CONJUNCTIONS = _table(
    {
        "de": "und oder aber denn weil dass wenn als ob obwohl damit während sondern bevor nachdem",
        "en": "and or but because that when while if so although since which who where until unless before after than",
        "es": "y e o u pero porque que cuando si aunque mientras como donde sino pues quien para",
        "fr": "et ou mais car parce que qui quand si lorsque puisque donc comme où dont pour",
        "it": "e o ma perché che quando se mentre anche però quindi come dove chi per",
        "nl": "en of maar want omdat dat als toen terwijl hoewel zodat voordat nadat die",
        "pt": "e ou mas porque que quando se enquanto como onde pois porém quem para",
        # Without "embora", which is "away" as often as "although": "fui embora" must not be torn.
    }
)
"""Conjunctions, relative pronouns, and the prepositions that mostly begin a clause."""

_PREPOSITIONS = _table(
    {
        "de": "vor nach mit ohne gegen",
        "en": "with without into from between through",
        "es": "antes después sobre con sin hasta desde durante entre",
        "fr": "avant après avec sans depuis pendant entre vers",
        "it": "prima dopo con senza fino tra fra durante",
        "pt": "antes depois sobre com sem até desde durante entre",
    }
)

OPENING = {language: words | _PREPOSITIONS.get(language, frozenset()) for language, words in CONJUNCTIONS.items()}
"""Conjunctions and the weightier prepositions."""
