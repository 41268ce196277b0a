"""What is said of topics that were emptied names them, for who writes them again."""

from shared.runtime.contract import Task
from shared.runtime.footing import emptied, lost_by


def test_the_topics_for_which_a_task_is_stopped_are_read_from_why_it_is() -> None:
    task = Task("org.0123.in.v1/1", 3, {"org.0123.in.v1": 5, "areas.v1": 7, "vacancies.v1": 9})
    why = emptied(task, {"org.0123.in.v1": 2, "areas.v1": 0, "vacancies.v1": 9})

    assert lost_by(why or "") == ["areas.v1", "org.0123.in.v1"]
