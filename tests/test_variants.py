import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dubkit
from dubkit import glossary
from dubkit.variants import DEAREST, MOST, Variant, variants

FOLDER = Path(dubkit.__file__).parent / "wordings"
LANGUAGES = sorted(path.stem for path in FOLDER.glob("*.toml"))

# What a rule makes of a sentence: language, sentence, one of its variants.
MADE = [
    ("en", "I do not know.", "I don't know."),
    ("en", "Do not be late.", "Don't be late."),
    ("en", "You are late, and I am sorry.", "You're late, and I'm sorry."),
    ("en", "How are you? I am fine.", "How are you? I'm fine."),
    ("en", "That is why they will win.", "That's why they will win."),
    ("en", "We have never met.", "We've never met."),
    ("en", "You had better go.", "You'd better go."),
    ("en", "What is the matter?", "What's the matter?"),
    ("en", "I think that he is right.", "I think he is right."),
    ("en", "He came in order to help.", "He came to help."),
    ("en", "However, the bus was full.", "But the bus was full."),
    ("en", "All of the money is gone.", "All the money is gone."),
    ("en", "The majority of the people left.", "Most of the people left."),
    ("en", "They are able to swim.", "They can swim."),
    ("en", "A hundred and twenty people came.", "A hundred twenty people came."),
    ("en", "We meet at five o'clock.", "We meet at five."),
    ("en", "I’m sorry, but I don’t know.", "I am sorry, but I do not know."),
    ("en", "It's a trap.", "It is a trap."),
    ("en", "I hope he comes.", "I hope that he comes."),
    ("en", "I DO NOT KNOW.", "I DON'T KNOW."),
    ("pt", "Eu acho que ele não vem.", "Acho que ele não vem."),
    ("pt", "Nós precisamos conversar.", "Precisamos conversar."),
    ("pt", "Ele veio a fim de falar com você.", "Ele veio para falar com você."),
    ("pt", "No entanto, ele saiu.", "Mas ele saiu."),
    ("pt", "O que é que você quer?", "O que você quer?"),
    ("pt", "Saímos às cinco horas da tarde.", "Saímos às cinco da tarde."),
    ("pt", "Não sei o que dizer.", "Eu não sei o que dizer."),
    ("es", "Yo no lo sé.", "No lo sé."),
    ("es", "Nosotros tenemos que hablar.", "Tenemos que hablar."),
    ("es", "¿Tú sabes qué quiere?", "¿Sabes qué quiere?"),
    ("es", "Sin embargo, no vino.", "Pero no vino."),
    ("es", "Vino a fin de verte.", "Vino para verte."),
    ("es", "¿Qué es lo que pasa?", "¿Qué pasa?"),
    ("es", "Creo que sí.", "Yo creo que sí."),
    ("fr", "Est-ce qu'il vient ?", "Il vient ?"),
    ("fr", "Tu viens ?", "Est-ce que tu viens ?"),
    ("fr", "Cela ne va pas.", "Ça ne va pas."),
    ("fr", "Afin d'avoir la paix, il part.", "Pour avoir la paix, il part."),
    ("fr", "Cependant, il pleut.", "Mais il pleut."),
    ("it", "Io non so cosa fare.", "Non so cosa fare."),
    ("it", "Io l'ho visto.", "L'ho visto."),
    ("it", "Noi abbiamo fame.", "Abbiamo fame."),
    ("it", "Tuttavia, piove.", "Ma piove."),
    ("it", "È venuto al fine di aiutare.", "È venuto per aiutare."),
    ("it", "Che cosa vuoi?", "Cosa vuoi?"),
    ("it", "Credo di sì.", "Io credo di sì."),
    ("de", "Wie geht es dir?", "Wie geht's dir?"),
    ("de", "Wir gehen in das Haus.", "Wir gehen ins Haus."),
    ("de", "Aus diesem Grund bin ich hier.", "Deshalb bin ich hier."),
    ("de", "Für den Fall, dass es regnet, bleiben wir.", "Falls es regnet, bleiben wir."),
    ("de", "Wir treffen uns um fünf Uhr.", "Wir treffen uns um fünf."),
    ("de", "Was gibt's Neues?", "Was gibt es Neues?"),
    ("ca", "Jo et dic la veritat.", "Et dic la veritat."),
    ("ca", "Nosaltres tenim pressa.", "Tenim pressa."),
    ("ca", "Tanmateix, ha vingut.", "Però ha vingut."),
    ("ca", "No puc venir.", "Jo no puc venir."),
    ("pl", "Ja nie wiem.", "Nie wiem."),
    ("pl", "Nie wiem nic.", "Ja nie wiem nic."),
]
# What looks like a rule's case and is none.
LEFT_ALONE = {
    "en": [
        "Yes, I am.",
        "Yes, she is at the moment.",
        "I am too.",
        "I know what it is.",
        "Do you know where he is now?",
        "What is it?",
        "He cannot only sing.",
        "I have to go.",
        "If I had better luck.",
        "I believe that.",
        "I think that car is nice.",
        "What I know I know.",
        "Why don't they come?",
        "Don't you know?",
        "He's gone.",
        "I know you.",
        "The five o'clock train.",
        "The reason why is simple.",
    ],
    "pt": [
        "Eu era feliz.",
        "Você fica e eu vou.",
        "Eu canto e você dança.",
        "Só eu sei.",
        "Eu mesmo fiz isso.",
        "Eu cansado de tudo?",
        "Nós vamos sair.",
        "Nós mesmos vimos tudo.",
        "Eu vou.",
        "Ele não está a fim de sair.",
        "Sou eu.",
        "Sei lá o que foi.",
    ],
    "es": [
        "Yo hablaba mucho.",
        "¡Yo no fui!",
        "Soy yo.",
        "A fin de mes cobro.",
        "Tú y yo sabemos todo.",
        "Debido a que llueve, no salgo.",
        "Nosotros vamos a casa.",
    ],
    "fr": ["Cela est vrai.", "Tu vas où ?", "Vous deux ?", "Qu'est-ce que c'est ?", "Tu as faim, non ?"],
    "it": ["Noi andiamo al mare.", "Tu prendi il treno.", "Che cosa bella!", "Io sono stanco.", "Anch'io lo so."],
    "de": ["Das Haus, in das Peter geht.", "Von dem weiß ich nichts.", "Er gibt es mir.", "Um fünf Uhr dreißig."],
    "ca": ["Nosaltres parlem molt.", "Jo mateix ho faig."],
    "pl": ["Ja się boję."],
}


@pytest.mark.parametrize(("language", "text", "made"), MADE)
def test_a_sentence_is_worded_otherwise(language: str, text: str, made: str) -> None:
    plain = [v.text.replace("’", "'") for v in variants(text, language)]
    assert made in plain


@pytest.mark.parametrize(("language", "text"), [(k, text) for k, texts in LEFT_ALONE.items() for text in texts])
def test_what_a_native_reader_would_stumble_over_is_not_made(language: str, text: str) -> None:
    assert variants(text, language) == ()


def test_each_kind_of_exchange_and_all_together_are_offered_the_cheapest_first() -> None:
    assert variants("I do not think that he is here in order to help.", "en") == (
        Variant("I don't think that he is here in order to help.", "contractions", 0.01),
        Variant("I do not think he is here in order to help.", "no optional that", 0.01),
        Variant("I do not think that he is here to help.", "plainer phrases", 0.04),
        Variant("I don't think he is here to help.", "contractions, no optional that, plainer phrases", 0.06),
    )


def test_what_shortens_and_what_lengthens_are_not_mixed() -> None:
    texts = [v.text for v in variants("I don't know. You are late.", "en")]
    assert sorted(texts) == ["I do not know. You are late.", "I don't know. You're late."]


def test_quoted_words_stay_as_they_are() -> None:
    assert variants("“I do not know.”", "en") == ()
    texts = [v.text for v in variants('He said "I do not know" and I am sure.', "en")]
    assert texts == ['He said "I do not know" and I\'m sure.']
    assert [v.text for v in variants("Er sagte: „Das gibt es nicht.“ Wie geht es dir?", "de")] == [
        "Er sagte: „Das gibt es nicht.“ Wie geht's dir?"
    ]


def test_terms_to_keep_stay_as_they_are() -> None:
    text = "In order to win, you will have to run."
    assert [v.text for v in variants(text, "en", keep=["In order to"])] == ["In order to win, you'll have to run."]
    assert variants("We play Do Not Panic.", "en", keep=["Do Not Panic"]) == ()
    assert [v.text for v in variants("We play Do Not Panic.", "en")] == ["We play Don't Panic."]


def test_apostrophes_are_written_as_the_text_writes_them() -> None:
    assert variants("It’s late; I am tired.", "en")[0].text == "It’s late; I’m tired."
    assert variants("It's late; I am tired.", "en")[0].text == "It's late; I'm tired."


def test_a_language_without_a_table_has_no_variants_and_a_region_has_those_of_its_language() -> None:
    assert variants("Я не знаю.", "ru") == ()
    assert variants("I do not know.", "en-GB") == variants("I do not know.", "en") != ()
    assert {"en", "pt", "es", "fr", "it", "de", "ca"} <= set(LANGUAGES)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_variants_are_few_distinct_cheap_and_keep_the_terms(data: st.DataObject) -> None:
    language = data.draw(st.sampled_from(LANGUAGES))
    said = [text for code, text, _ in MADE if code == language] + LEFT_ALONE[language]
    text = " ".join(data.draw(st.lists(st.sampled_from(said), min_size=1, max_size=4)))
    words = [w.strip(".,?!") for w in text.split()]
    keep = data.draw(st.lists(st.sampled_from([w for w in words if w]), max_size=2))
    found = variants(text, language, keep)
    texts = [v.text for v in found]
    assert len(found) <= MOST and len(set(texts)) == len(texts) and text not in texts
    assert [v.cost for v in found] == sorted(v.cost for v in found)
    assert all(0 < v.cost <= DEAREST and v.how for v in found)
    assert all(glossary.keeps(t, [k for k in keep if glossary.keeps(text, [k])]) for t in texts)
    assert all("  " not in t and t == t.strip() and t[0].isupper() == text[0].isupper() for t in texts)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60), st.sampled_from(LANGUAGES))
def test_any_text_is_taken(text: str, language: str) -> None:
    assert len(variants(text, language)) <= MOST


def test_every_rule_of_every_table_has_a_sentence_that_it_changes() -> None:
    for path in FOLDER.glob("*.toml"):
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        kinds = {rule["how"] for direction in ("shorter", "longer") for rule in table.get(direction, ())}
        shown = {
            kind
            for code, text, _ in MADE
            if code == path.stem
            for v in variants(text, code)
            for kind in v.how.split(", ")
        }
        assert kinds <= shown, path.stem
