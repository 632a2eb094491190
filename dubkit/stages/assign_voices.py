"""Stage 8: who speaks for whom: voices of the same heard gender, one each, the same again on every run."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import Field
from pydantic.dataclasses import dataclass

from dubkit.artefacts import Casting, Gender, Role, Speaker, Speakers, Translation, Voice
from dubkit.backends.protocols import Synthesizer
from dubkit.errors import BadInput, UnsupportedPair, listed
from dubkit.languages import name
from dubkit.progress import Report
from dubkit.stage import stage


@dataclass(frozen=True)
class AssignVoicesSettings:
    """The casting.

    Parameters
    ----------
    voices : dict
        Voice ids by speaker id, for those that you want to choose yourself, e.g. ``{"S1" = "kokoro:pm_alex"}``.
    middle_pitch : float
        Hz: where the gender stayed open, a lower median pitch gets a male voice.
    consent : bool
        The speakers agreed that their own voices are copied. Where the synthesizer can, it then speaks with these.
    """

    voices: dict[str, str] = Field(default_factory=dict)
    middle_pitch: float = Field(default=165.0, gt=0)
    consent: bool = False


@stage(version=2, task="synthesizer")
def assign_voices(
    speakers: Speakers,
    translation: Translation,
    *,
    settings: AssignVoicesSettings,
    backend: Synthesizer,
    report: Report,
) -> Casting:
    """Give every speaker with lines a voice; those who speak most choose first.

    A voice chosen by hand goes before the speaker's own, and that before a stock voice.

    Raises
    ------
    UnsupportedPair
        If no voice speaks the target language.
    BadInput
        If a voice was asked for that does not exist, or a line was given to a speaker who does not.
    """
    known = [s.id for s in speakers.speakers]
    for line in translation.lines:
        if line.speaker not in known:
            raise BadInput(
                f"Line {line.id} is given to {line.speaker}, who is not in the film. There are: {listed(known)}."
            )
    speaking = {line.speaker for line in translation.lines}
    cast = [s for s in speakers.speakers if s.id in speaking]
    if not cast:
        return Casting(roles=())
    check_voices(backend, translation.target)
    voices = backend.voices(translation.target)
    wished = _wished(settings.voices, voices, {s.id for s in cast})
    others = [s for s in cast if s.id not in wished]
    own = own_voice(backend, translation.target)
    _tell_of_copying(report, own, translation.target, settings.consent, any(s.sample for s in others))
    copied = {s.id: _copied(own, s) for s in others if own and settings.consent and s.sample}
    chosen = {**wished, **copied}
    for speaker in sorted(others, key=lambda s: (-s.speech_seconds, s.id)):
        if speaker.id not in copied:
            wanted = wanted_gender(speaker, settings.middle_pitch)
            role = choose(voices, wanted, [r.voice.id for r in chosen.values()], speaker)
            lacking = "; too little clean speech to copy their voice" if own and settings.consent else ""
            chosen[speaker.id] = role.but(reason=role.reason + lacking)
    stock = [role.voice.id for who, role in chosen.items() if who not in copied]
    if len(set(stock)) < len(stock):
        report.warn(f"There are more speakers than {name(translation.target)} voices: some speakers share a voice.")
    return Casting(roles=tuple(chosen[s.id] for s in cast))


def check_voices(backend: Synthesizer, target: str) -> None:
    """Refuse a language that nobody can speak.

    Raises
    ------
    UnsupportedPair
        The message lists the languages that there are voices for.
    """
    if not backend.voices(target):
        raise UnsupportedPair(
            f"No voice speaks {name(target)}. There are voices for: {listed(backend.languages(), 120)}."
        )


def own_voice(backend: Synthesizer, target: str) -> Voice | None:
    """What stands for the speakers' own voices; None where the synthesizer copies none in this language."""
    own: Callable[[str], Voice | None] | None = getattr(backend, "own_voice", None)
    return own(target) if own else None


def _copied(own: Voice, speaker: Speaker) -> Role:
    """The role of somebody who speaks with a copy of their own voice."""
    voice = own.but(gender=speaker.gender)
    return Role(id=speaker.id, voice=voice, reason="their own voice, copied with the speakers' consent", consent=True)


def _tell_of_copying(report: Report, own: Voice | None, target: str, consent: bool, audible: bool) -> None:
    """Say it where voices could be copied and are not, and where they should be and cannot."""
    if own is None and consent:
        report.warn(
            f"There is consent to copy the speakers' voices, but the synthesizer in use cannot do that in {name(target)}: "
            "stock voices speak."
        )
    if own is not None and not consent and audible:
        report.warn(
            "The speakers' own voices could be copied; stock voices speak instead. Where all of them agreed to it, and only "
            "then: --set assign_voices.consent=true"
        )


def _wished(wishes: dict[str, str], voices: tuple[Voice, ...], cast: set[str]) -> dict[str, Role]:
    by_id = {v.id: v for v in voices}
    for speaker, voice in wishes.items():
        if voice not in by_id:
            raise BadInput(f"There is no voice {voice!r} for speaker {speaker}. Choose one of: {listed(list(by_id))}.")
    return {s: Role(id=s, voice=by_id[v], reason="chosen by hand") for s, v in sorted(wishes.items()) if s in cast}


def wanted_gender(speaker: Speaker, middle_pitch: float) -> Gender:
    """The gender of the voice that a speaker gets."""
    if speaker.gender != "unknown" or speaker.pitch is None:
        return speaker.gender
    return "male" if speaker.pitch < middle_pitch else "female"


def choose(voices: tuple[Voice, ...], wanted: Gender, taken: list[str], speaker: Speaker) -> Role:
    """The first free voice of the gender; else the least used of it; else any: best voices come first in the list."""
    order = {v.id: n for n, v in enumerate(voices)}
    fits = [v for v in voices if wanted in (v.gender, "unknown")]
    voice = min(fits or voices, key=lambda v: (taken.count(v.id), order[v.id]))
    heard = f"heard as {speaker.gender} ({speaker.confidence:.0%})"
    if speaker.gender == "unknown":
        heard = f"gender open, median pitch {speaker.pitch:.0f} Hz" if speaker.pitch else "gender open"
    return Role(id=speaker.id, voice=voice, reason=heard if fits else f"{heard}; no such voice")
