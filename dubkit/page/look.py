"""How the page looks, and what all its parts share with the browser."""

from __future__ import annotations

import html
import itertools
from importlib.resources import files
from typing import Any, Literal

import gradio as gr

FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "Liberation Sans", "sans-serif")
MONOSPACED = ("ui-monospace", "SFMono-Regular", "Menlo", "Liberation Mono", "monospace")
_visits = itertools.count()


def theme() -> gr.themes.Base:
    """Quiet colours with enough contrast in light and dark, and the fonts that each system has."""
    return gr.themes.Base(
        primary_hue=gr.themes.colors.teal,
        secondary_hue=gr.themes.colors.teal,
        neutral_hue=gr.themes.colors.slate,
        text_size=gr.themes.sizes.text_lg,
        radius_size=gr.themes.sizes.radius_md,
        font=FONTS,
        font_mono=MONOSPACED,
    ).set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_400",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_400",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover_dark="*primary_600",
        button_primary_text_color="white",
        input_border_width="1px",
        input_border_color="*neutral_400",
        input_border_color_dark="*neutral_500",
        input_background_fill="white",
        input_background_fill_dark="*neutral_900",
        checkbox_border_color="*neutral_500",
        checkbox_border_color_dark="*neutral_400",
        checkbox_background_color_selected="*primary_700",
        checkbox_background_color_selected_dark="*primary_700",
        checkbox_border_color_selected="*primary_700",
        checkbox_border_color_selected_dark="*primary_300",
        checkbox_label_background_fill="transparent",
        checkbox_label_background_fill_dark="transparent",
        checkbox_label_border_width="1px",
        checkbox_label_border_color="*neutral_300",
        checkbox_label_border_color_dark="*neutral_600",
        block_border_width="0px",
        block_background_fill="transparent",
        block_background_fill_dark="transparent",
        block_label_background_fill="transparent",
        block_label_background_fill_dark="transparent",
        block_title_text_color="*neutral_800",
        block_title_text_color_dark="*neutral_100",
        block_title_text_weight="600",
        block_shadow="none",
        block_padding="0px",
        form_gap_width="14px",
        panel_border_width="0px",
    )


def asset(name: str) -> str:
    """A file of this folder, as text."""
    return (files("dubkit.page") / name).read_text(encoding="utf-8")


def handler(trigger: Literal["once", "always_last", "multiple"] = "once") -> dict[str, Any]:
    """How all handlers are called: at once, beside any number of others, and not listed as an interface for programs.

    Parameters
    ----------
    trigger : str
        What happens while an earlier call of the same visitor is not answered: nothing, the newest afterwards, or all.
    """
    return {"queue": False, "show_progress": "hidden", "trigger_mode": trigger, "api_visibility": "private"}


def going(address: str) -> str:
    """The value that sends the browser to an address of the page; the same one twice are two values."""
    return f"{address}#{next(_visits)}"


def note(text: str) -> str:
    """A remark; empty where there is none."""
    return f'<p class="dk-note" role="status">{html.escape(text)}</p>' if text else ""


def problem(text: str) -> str:
    """What went wrong and what to do, read out at once."""
    return f'<p class="dk-problem" role="alert" dir="auto">{html.escape(text)}</p>'
