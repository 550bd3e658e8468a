"""The lock that nobody sleeps on."""

from __future__ import annotations

import threading

from tasks.remote.prompt import PromptLock


def test_one_thread_at_a_time_holds_it() -> None:
    lock, inside, most = PromptLock(), 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(200):
            with lock, lock:
                inside += 1
                most = max(most, inside)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (inside, most) == (0, 1)


def test_a_condition_that_is_waited_for_lets_go_of_it_however_often_it_was_taken() -> None:
    lock = PromptLock()
    condition, heard = lock.condition(), []

    def wait() -> None:
        with lock, condition:
            heard.append("waits")
            condition.wait_for(lambda: "go" in heard, 60)
            heard.append("has it")
            assert lock._is_owned()

    thread = threading.Thread(target=wait)
    thread.start()
    while True:
        with condition:
            if heard:
                heard.append("go")
                condition.notify_all()
                assert heard == ["waits", "go"]
                break
    thread.join()
    assert heard == ["waits", "go", "has it"]
    with lock:
        pass
