"""The page: hand in a film, watch it being dubbed, check and correct it, fetch it; for people who write no code."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import gradio as gr
from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from dubkit import __version__
from dubkit.page import access, look, receive, shelf, start, watch
from dubkit.page.access import Sessions
from dubkit.page.address import HERE
from dubkit.page.samples import Sample
from dubkit.service.service import Service

HEAD = '<meta name="color-scheme" content="light dark"><meta name="description" content="Dub a film into another language.">'
FIRST = """
const view = new URLSearchParams(location.search);
document.documentElement.dataset.view = view.has("job") ? "job" : view.has("films") ? "films" : "start";
"""
"""Before anything is drawn: no view flashes up that was not asked for."""


def mounted(app: FastAPI, service: Service, samples: Sequence[Sample] = ()) -> FastAPI:
    """The application with the page at its root, its login, and the way for its uploads.

    Parameters
    ----------
    app : FastAPI
        Of :func:`dubkit.service.api.create_app`.
    service : Service
    samples : sequence of Sample
        Films that are offered to everybody.
    """
    sessions = Sessions(service)
    app.include_router(access.routes(sessions))
    app.include_router(receive.routes(service, sessions))
    gr.mount_gradio_app(
        app,
        page(service, samples),
        path="/",
        auth_dependency=access.signed_in,
        app_kwargs={
            "middleware": [Middleware(GZipMiddleware, minimum_size=1000), Middleware(access.Gate, sessions=sessions)],
            "docs_url": None,
            "redoc_url": None,
        },
        theme=look.theme(),
        css=look.asset("page.css"),
        head=f"{HEAD}<script>{{{FIRST}}}</script>",
        footer_links=[],
        run_history=False,
        show_error=False,
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
    )
    return app


def page(service: Service, samples: Sequence[Sample] = ()) -> gr.Blocks:
    """The page's components and what they do; :func:`mounted` serves it."""
    blocks: gr.Blocks
    with gr.Blocks(title="dubkit", analytics_enabled=False) as blocks:
        here = gr.Textbox(visible=False)
        way = gr.HTML(
            html_template=_bar(service.config.require_key), js_on_load=look.asset("router.js"), apply_default_css=False
        )
        with gr.Column(elem_id="dk-start", elem_classes="dk-view"):
            languages = start.build(service, samples, way)
        with gr.Column(elem_id="dk-films", elem_classes="dk-view"):
            listed = shelf.build(service, here)
        with gr.Column(elem_id="dk-job", elem_classes="dk-view"):
            watched = watch.build(service, here, way)

        def show(query: str, request: gr.Request) -> dict[Any, Any]:
            """What an address asks for; the other views come to rest."""
            return {**watched.shown(query, request), **listed.shown(query, request)}

        outputs = [*watched.outputs, *listed.outputs]
        blocks.load(show, here, outputs, js=HERE, **look.handler())
        blocks.load(languages.offered, None, languages.outputs, **look.handler())
        way.select(show, here, outputs, js=HERE, **look.handler("always_last"))
    # Gradio reloads the page when a server comes back under another id: an upload that could go on would be lost.
    blocks.app_id = zlib.crc32(__version__.encode())
    return blocks


def _bar(with_logout: bool) -> str:
    """Name and ways, the same above every view."""
    logout = '<form method="post" action="logout"><button class="dk-button quiet">Sign out</button></form>'
    return (
        '<a class="dk-skip" href="#dk-start">Skip to the content</a><div class="dk-top">'
        '<a class="dk-brand" href="./" data-go>dubkit</a><nav class="dk-nav" aria-label="Main">'
        '<a href="./" data-go>New film</a><a href="?films" data-go>My films</a>'
        f"{logout if with_logout else ''}</nav></div>"
    )
