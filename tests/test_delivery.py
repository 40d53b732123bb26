"""What Streamlit does with and without our mends of its queues; `tests/browser/test_clock.py` has what a person sees of it."""

import asyncio
import importlib.util
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import Mock

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime import app_session, forward_msg_queue
from streamlit.runtime.scriptrunner import ScriptRunnerEvent
from streamlit.runtime.scriptrunner_utils import script_requests
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData

from ui.streamlit_ext import patches


def unmended(module):
    """A second copy of a module, as Streamlit ships it."""
    copy = importlib.util.module_from_spec(spec := importlib.util.find_spec(module.__name__))
    spec.loader.exec_module(copy)
    return copy


def drawn(*path, part):
    message = ForwardMsg()
    message.metadata.delta_path[:] = path
    message.delta.fragment_id = part
    message.delta.add_block.allow_empty = True
    return message


@pytest.mark.parametrize("module", [forward_msg_queue, unmended(forward_msg_queue)], ids=["mended", "not"])
def test_what_a_part_drew_is_sent_before_what_parts_inside_it_drew(module):
    patches.mend()
    queue = module.ForwardMsgQueue()
    outer, inner = drawn(0, 2, part="outer"), drawn(0, 2, 1, part="inner")
    queue.enqueue(outer)
    queue.enqueue(inner)
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=["outer"])
    again = drawn(0, 2, part="outer")
    queue.enqueue(again)
    sent = queue.flush()
    assert (sent == [outer, inner, again]) == (module is forward_msg_queue)
    queue.enqueue(outer)
    queue.clear(retain_lifecycle_msgs=True)
    assert queue.is_empty()  # a whole page is drawn anew


@pytest.mark.parametrize("module", [script_requests, unmended(script_requests)], ids=["mended", "not"])
def test_a_part_that_asks_while_a_click_waits_changes_neither_page_nor_address(module):
    patches.mend()
    requests = module.ScriptRequests()
    requests.request_rerun(RerunData(query_string="face=7", page_script_hash="second"))
    requests.request_rerun(RerunData(query_string="face=1", page_script_hash="first", fragment_id="part", is_auto_rerun=True))
    asked = requests.on_scriptrunner_yield().rerun_data
    assert not asked.fragment_id_queue
    assert ((asked.page_script_hash, asked.query_string) == ("second", "face=7")) == (module is script_requests)


@pytest.mark.parametrize("module", [app_session, unmended(app_session)], ids=["mended", "not"])
def test_what_a_former_thread_still_says_is_heard_but_for_its_farewell(module):
    patches.mend()
    said, former, present = ForwardMsg(), Mock(), Mock()
    session = Mock(_scriptrunner=present)

    async def speak():
        session._event_loop = asyncio.get_running_loop()
        for event, named in ((ScriptRunnerEvent.ENQUEUE_FORWARD_MSG, {"forward_msg": said}), (ScriptRunnerEvent.SHUTDOWN, {})):
            module.AppSession._handle_scriptrunner_event_on_event_loop(session, former, event, **named)

    with ThreadPoolExecutor(1) as thread:  # the browser of other tests may hold this one's loop
        thread.submit(asyncio.run, speak()).result()
    assert session._enqueue_forward_msg.called == (module is app_session)
    assert session._scriptrunner is present
