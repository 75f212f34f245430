"""The program of a worker: `python -m meterdrop.service.child`, started and told what to do by the pipeline."""

import signal

from meterdrop.starting import coming_up


def main() -> None:
    """Drains partners until the pipeline says stop or is gone. Signals are for the pipeline; it tells us."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with coming_up():  # libraries and schemas stay: to look through them again takes longer than a small file
        from meterdrop.service import loading

        serve = loading.ready()
    if serve is not None:
        serve()


if __name__ == "__main__":
    main()
