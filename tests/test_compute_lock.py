"""The compute lock: the order of asking, low priority, re-entrancy, and that every prediction holds it."""

import threading
from contextlib import nullcontext

import numpy as np
import pytest

from fer_core import models
from fer_core.models import compute_lock


def test_waiters_are_served_in_the_order_of_asking():
    lock, served, threads = compute_lock.ComputeLock(), [], []

    def work(name):
        with lock.acquire():
            served.append(name)

    with lock.acquire():
        for name in range(6):
            threads.append(threading.Thread(target=work, args=(name,)))
            threads[-1].start()
            while len(lock._waiting) < name + 2:
                pass
        assert not served
    for thread in threads:
        thread.join()
    assert served == list(range(6))


def test_who_can_wait_goes_after_all_others_but_not_for_ever(monkeypatch):
    lock, served, threads = compute_lock.ComputeLock(), [], []

    def work(name, patient):
        with lock.low_priority() if patient else nullcontext(), lock.acquire():
            served.append(name)

    def ask(*asked):
        for name, patient in asked:
            threads.append(threading.Thread(target=work, args=(name, patient)))
            threads[-1].start()
            while len(lock._waiting) < len(threads) + 1 - len(served):
                pass

    with lock.acquire():
        ask(("test", True), ("map", False), ("table", True), ("another map", False))
    for thread in threads:
        thread.join()
    assert served == ["map", "another map", "test", "table"]
    monkeypatch.setattr(compute_lock, "LOW_PRIORITY_DELAY_S", 0.0)
    threads.clear()
    served.clear()
    with lock.acquire():
        ask(("test", True), ("map", False))
    for thread in threads:
        thread.join()
    assert served == ["test", "map"]


def test_the_lock_is_given_up_after_an_error():
    lock = compute_lock.ComputeLock()
    with pytest.raises(ZeroDivisionError), lock.acquire():
        _ = 1 / 0
    with lock.acquire():
        pass


def test_a_thread_that_holds_the_lock_acquires_it_again_at_once():
    lock = compute_lock.ComputeLock()
    entered = []

    def other():
        with lock.acquire():
            entered.append("other")

    with lock.acquire():
        thread = threading.Thread(target=other)
        thread.start()
        while len(lock._waiting) < 2:
            pass
        with lock.acquire():
            entered.append("inner")
        assert entered == ["inner"], "leaving the inner block gives nothing up"
    thread.join()
    assert entered == ["inner", "other"]


def test_leaving_an_inner_low_priority_block_leaves_the_outer_one():
    lock, served = compute_lock.ComputeLock(), []

    def waits():
        with lock.low_priority():
            with lock.low_priority():
                pass
            with lock.acquire():
                served.append("low")

    def urgent():
        with lock.acquire():
            served.append("urgent")

    with lock.acquire():
        threads = []
        for work in (waits, urgent):
            threads.append(threading.Thread(target=work))
            threads[-1].start()
            while len(lock._waiting) < len(threads) + 1:
                pass
    for thread in threads:
        thread.join()
    assert served == ["urgent", "low"]


@pytest.mark.parametrize("ask", [models.predict, models.predict_logits, models.features])
def test_every_prediction_holds_the_lock(ask):
    model = models.build("small", seed=1)
    faces, done = np.zeros((3, 48, 48), np.uint8), threading.Event()

    def work():
        ask(model, faces)
        done.set()

    with compute_lock.COMPUTE_LOCK.acquire():
        thread = threading.Thread(target=work)
        thread.start()
        while len(compute_lock.COMPUTE_LOCK._waiting) < 2:
            pass
        assert not done.is_set()
    thread.join(60)
    assert done.is_set()
