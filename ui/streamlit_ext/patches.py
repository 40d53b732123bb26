"""Mends for Streamlit 1.67, without which a click is lost or a page stands still when a part of it is drawn by the clock.

Such a part asks for itself again and again, also in the moment in which its page ends or is left, and most of all on a busy machine.
What then went wrong, each shown with and without its mend in `tests/test_delivery.py` and `tests/browser/test_clock.py`:

- Whatever a thread runs after a part is drawn in that part's place: a whole page landed inside a corner of the page before.
- A script has ended, its last messages wait for their turn, and the next request comes before them: Streamlit begins a new thread for it
  and throws away what the former one still had to say, such as the lower end of a page.
- What a part had drawn is thrown away unsent when it is drawn anew, but not what parts inside it had drawn: their place is missing then.
- A part of the page before asks after the next page was asked for: Streamlit answers in the name of the page before, upon which the
  browser empties the next one.
- Such a part asks while a click still waits: Streamlit makes one request of the two, with the part's page and address, not the click's.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from streamlit.delta_generator_singletons import context_dg_stack, get_default_dg_stack_value
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.scriptrunner import ScriptRunner, ScriptRunnerEvent
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData, ScriptRequests, ScriptRequestType


@cache
def mend() -> None:
    """Put the mends in place, once for all sessions of this process."""
    run, hear = ScriptRunner._run_script, AppSession._handle_scriptrunner_event_on_event_loop
    clear, ask = ForwardMsgQueue.clear, ScriptRequests._request_rerun_locked

    def run_in_place(runner: ScriptRunner, asked: RerunData) -> None:
        """Begin at the top of the page, and leave alone what is a part of a page that was left meanwhile."""
        context_dg_stack.set(get_default_dg_stack_value())
        if not asked.fragment_id_queue or asked.page_script_hash == runner._pages_manager.current_page_script_hash:
            run(runner, asked)

    def hear_out(session: AppSession, sender: ScriptRunner | None, event: ScriptRunnerEvent, *rest: Any, **named: Any) -> None:
        """Take what a former thread still says for the present one's words; only its farewell is not the present one's."""
        hear(session, sender if event == ScriptRunnerEvent.SHUTDOWN else session._scriptrunner, event, *rest, **named)

    def clear_for_a_page(queue: ForwardMsgQueue, retain_lifecycle_msgs: bool = False, fragment_ids_this_run: Any = None) -> None:
        """Send all that waits when only parts are drawn anew; what they draw now is not put in its place in the row."""
        if fragment_ids_this_run:
            queue._delta_index_map = {}
        else:
            clear(queue, retain_lifecycle_msgs)

    def ask_beside(requests: ScriptRequests, asked: RerunData) -> bool:
        """Let a part's request that joins a waiting one for a whole page leave the page and the address as they are."""
        page = requests._rerun_data
        if asked.fragment_id and requests._state == ScriptRequestType.RERUN and not page.fragment_id_queue:
            asked = replace(asked, query_string=page.query_string, page_script_hash=page.page_script_hash, page_name=page.page_name)
        return ask(requests, asked)

    for owner, name, mended in ((ScriptRunner, "_run_script", run_in_place), (ForwardMsgQueue, "clear", clear_for_a_page),
                                (AppSession, "_handle_scriptrunner_event_on_event_loop", hear_out),
                                (ScriptRequests, "_request_rerun_locked", ask_beside)):
        setattr(owner, name, mended)
