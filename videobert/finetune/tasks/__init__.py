"""The tasks, one file each. A new one is a class like these and a line in TASKS."""

from __future__ import annotations

from videobert.finetune.options import ALIGN, CHOOSE, CLASSIFY, FIND, MOMENTS, TAG
from videobert.finetune.tasks.align import Align
from videobert.finetune.tasks.choose import Choose
from videobert.finetune.tasks.classify import Classify
from videobert.finetune.tasks.find import Find
from videobert.finetune.tasks.moments import Moments
from videobert.finetune.tasks.tag import Tag
from videobert.finetune.tasks.task import Task

TASKS: dict[str, type[Task]] = {
    CLASSIFY: Classify,
    ALIGN: Align,
    CHOOSE: Choose,
    FIND: Find,
    TAG: Tag,
    MOMENTS: Moments,
}
