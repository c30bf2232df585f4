"""How pages are read for their commands."""

from pathlib import Path

import pytest
from tests.docs_commands import Block, blocks

PAGE = """
Text with `sh` in it.

```sh
trackers keys create my-bot   # a bot's key, shown once
TRACKERS_HOME=there trackers backup "a file" > log && ls | tr -d '\\n'
curl -X POST localhost:8000/api/x/TASK_ID \\
  -d '{"a": 1, # no comment
       "b": 2}'
```

<!-- needs: docker -->
```sh
docker compose up -d
```

```sql
SELECT 1;
```
"""


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "page.md"
    path.write_text(PAGE)
    return path


def test_blocks_come_in_order_with_what_they_need(page: Path) -> None:
    run, read = blocks(page)
    assert (str(run), run.needs) == ("page.md:5", frozenset())
    assert read.needs == {"docker"}
    assert [block.text for block in blocks(page, "sql")] == ["SELECT 1;\n"]


def test_commands_are_what_a_shell_would_run(page: Path) -> None:
    run, _ = blocks(page)
    assert list(run.commands()) == [
        ["trackers", "keys", "create", "my-bot"],
        ["trackers", "backup", "a file"],
        ["ls"],
        ["tr", "-d", "\\n"],
        ["curl", "-X", "POST", "localhost:8000/api/x/TASK_ID", "-d", '{"a": 1, # no comment\n       "b": 2}'],
    ]


def test_a_placeholder_is_filled_where_it_is_a_whole_word() -> None:
    block = Block(page=Path("page.md"), line=1, language="sh", text="curl http://a/TASK_ID $TASK_ID MY_TASK_ID TASK_ID")
    assert block.filled({"TASK_ID": "7"}) == "curl http://a/7 $TASK_ID MY_TASK_ID 7"
