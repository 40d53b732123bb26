"""The interface in Traditional Chinese, as students in Taiwan read it: every text of the pages, and what takes its place."""

CHINESE: dict[str, str] = {
}
