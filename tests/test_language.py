"""The pages in Traditional Chinese: a table without gaps or leftovers, and no English sentence left on any page."""

import ast
import html
import re
import shutil
import string
from functools import cache

import pytest
from streamlit.testing.v1 import AppTest

from fer_core.config import RunConfig
from fer_core.messages import Sentence
from fer_core.runtime import ROOT
from ui.shell.page import PAGES
from ui.text.language import CHINESE, LANGUAGES, _said, say

SOURCES = [ROOT / "app.py", *(path for folder in ("pages", "ui", "fer_core") for path in sorted((ROOT / folder).rglob("*.py"))
                              if ROOT / "fer_core/report" not in path.parents)]
"""All that says something on a page; the report has sentences of its own."""


@cache
def tree(path):
    return ast.parse(path.read_text("utf8"))


def fields(template):
    """The names of a template's fields; `None` where a text is no template."""
    try:
        return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}
    except ValueError:
        return None


def literals(node):
    """The strings that an argument can be: a literal, or either side of a choice."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.IfExp):
        return [*literals(node.body), *literals(node.orelse)]
    return []


def worded(template):
    """Tell whether a template has words of its own, besides its fields and tags."""
    return bool(re.search("[A-Za-z]{2}", re.sub(r"{.*?}|<.*?>", "", template)))


def said():
    """Every literal that is said, or kept to be said later, with its place."""
    for path in SOURCES:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and node.args and getattr(node.func, "id", getattr(node.func, "attr", "")) in ("say", "Sentence"):
                for text in literals(node.args[0]):
                    yield text, f"{path.name}:{node.lineno}"


def test_every_text_that_is_said_has_its_chinese():
    missing = {f"{place}: {text}" for text, place in said() if text not in CHINESE and worded(text)}
    assert not missing, "\n".join(sorted(missing))


def test_no_text_of_the_table_is_left_over():
    words = {node.value for path in SOURCES for node in ast.walk(tree(path))
             if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    words |= {form(word) for word in words for form in (str.capitalize, str.lower)} | set(RunConfig.model_fields)
    assert not [text for text in CHINESE if text not in words]


def test_both_sides_have_the_same_fields_icons_and_marks():
    for english, chinese in CHINESE.items():
        assert fields(english) == fields(chinese), english
        assert sorted(re.findall(r":material/\w+:", english)) == sorted(re.findall(r":material/\w+:", chinese)), english
        assert chinese.count("**") % 2 == 0 and ("**" in english) == ("**" in chinese) and english.count("`") == chinese.count("`"), english
        assert re.search("[\u4e00-\u9fff]", chinese) or not worded(chinese) or chinese.lower() in english.lower(), english


def test_nothing_is_said_in_simplified_characters():
    simplified = set("们个为从会来时间对说这还进过开关没问题样应该机图类层习练训选择显设认预测错误确认数据网络")
    traditional = set("們個為從會來時間對說這還進過開關沒問題樣應該機圖類層習練訓選擇顯設認預測錯誤確認數據網絡")
    assert not {sign for chinese in CHINESE.values() for sign in chinese} & (simplified - traditional)


def speaking(language):
    """A page in a language."""
    def script():
        import streamlit as st

        from fer_core.messages import Sentence
        from ui.text import formatting as words
        from ui.text import language

        st.session_state["told"] = [
            language.spoken(), language.say("What to do"), language.say("{n} cells", n=3), words.emotion(4),
            language.say(Sentence("{n} cells", n=3)), language.say("nobody translated this {n}", n=1), language.say("a {brace"),
        ]

    app = AppTest.from_function(script)
    if language:
        app.query_params["lang"] = language
    return app.run().session_state["told"]


def test_a_text_is_said_in_the_language_of_the_link():
    english = ["en", "What to do", "3 cells", "Sad", "3 cells", "nobody translated this 1", "a {brace"]
    assert speaking("") == speaking("en") == speaking("klingon") == english
    chinese = speaking("zh-TW")
    assert chinese[0] == "zh-TW" and chinese[-2:] == english[-2:]
    assert chinese[1] == CHINESE["What to do"] and chinese[2] == chinese[4] == CHINESE["{n} cells"].format(n=3)
    assert chinese[3] == CHINESE["Sad"]


def test_outside_of_a_page_english_is_spoken():
    assert say("What to do") == "What to do" and say(Sentence("{n} cells", n=2)) == "2 cells"


def test_a_sentence_is_its_english_and_survives_a_copy():
    import pickle

    kept = pickle.loads(pickle.dumps(Sentence("{share:.0%} of {who}", share=0.5, who="all")))
    assert kept == "50% of all" and kept.template == "{share:.0%} of {who}" and kept.values == {"share": 0.5, "who": "all"}


def test_the_words_of_a_figure_are_said_and_nothing_else(monkeypatch):
    monkeypatch.setattr("ui.text.language.spoken", lambda: "zh-TW")
    spec = {"data": [{"name": "Sad", "type": "bar", "customdata": ["Sad"], "x": ["Sad"]}], "layout": {"title": {"text": "Sad"}}}
    sad = CHINESE["Sad"]
    assert _said(spec) == {"data": [{"name": sad, "type": "bar", "customdata": ["Sad"], "x": ["Sad"]}], "layout": {"title": {"text": sad}}}


NAMES = re.compile(
    r"FER Lens|FER2013|PublicTest|PrivateTest|Training|SmoothGrad|Grad-CAM|LayerCAM|RISE|GitHub|Kaggle|English|"
    r"McNemar|Wilson|Student|Cohen|"
    r"Adebayo|Holm|Spearman|Adam|AdamW|Nesterov|TensorFlow|TensorBoard|Keras|float16|float32|bfloat16|ReLU|LeakyReLU|softmax|logits?|"
    r"[\w/.-]+\.(csv|zip|npz|json|png|npy|mp4|html)|conv\d|dense\d|[a-z]+_[a-z_]+|demo|\b[A-Z]{2,}\d?\b")


MARKUP = re.compile(r"<style>.*?</style>|<[^>]*>|:material/\w+:|`[^`]*`|:[\w-]+\[|&\w+;", re.DOTALL)
TEXTS = ("title", "header", "subheader", "markdown", "caption", "info", "warning", "error", "success")
WIDGETS = ("button", "checkbox", "toggle", "slider", "selectbox", "radio", "text_input", "number_input", "multiselect", "button_group",
           "expander")


def english(app):
    """The English words that a page still shows: runs of at least two, where names are not counted."""
    shown = [one.value for kind in TEXTS for one in app.get(kind)] + [str(one.proto.body) for one in app.get("html")]
    for kind in WIDGETS:
        for one in app.get(kind):
            options = getattr(one, "options", None) or [getattr(option, "content", "") for option in getattr(one.proto, "options", [])]
            shown += [str(one.label or ""), *map(str, options)]
    text = [MARKUP.sub(" ", html.unescape(part)) for part in shown]
    return [found for part in text for found in re.findall(r"[A-Za-z]{3,}(?:[ ,'-]+[A-Za-z]{2,})+", NAMES.sub(" ", part))]


@pytest.fixture
def open_page(root, tmp_path, monkeypatch):
    shutil.copytree(root / "checkpoints/demo", tmp_path / "runs/demo", ignore=shutil.ignore_patterns(".cache"))
    monkeypatch.setenv("FER_LENS_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("FER_LENS_DATA", str(tmp_path / "data"))

    def opener(file, **params):
        app = AppTest.from_file(str(root / "app.py"), default_timeout=120)
        for name, value in {"lang": "zh-TW", **params}.items():
            app.query_params[name] = value
        if file != "app.py":
            app.switch_page(file)
        app.run()
        assert not app.exception, app.exception
        return app

    return opener


@pytest.mark.parametrize("file", list(PAGES))
def test_no_english_sentence_is_left_on_a_page(open_page, file):
    app = open_page(file, run="demo", tour="1")
    assert re.search("[\u4e00-\u9fff]", app.title[0].value)
    assert not english(app)


@pytest.mark.parametrize(("file", "params"), [
    ("pages/confusion_matrix.py", {"true": "sad", "pred": "neutral", "image": "119"}),
    ("pages/confusion_matrix.py", {"panel": "confidence"}), ("pages/confusion_matrix.py", {"panel": "classes"}),
    ("pages/confusion_matrix.py", {"panel": "marks"}), ("pages/dataset.py", {"view": "copies"}),
    ("pages/dataset.py", {"view": "trainer"}),
    ("pages/try_photo.py", {"from": "example", "example": "three"}),
])
def test_nor_in_its_panels(open_page, file, params):
    assert not english(open_page(file, run="demo", **params))


def test_the_switch_stays_through_the_pages(open_page):
    app = open_page("app.py")
    switch = next(one for one in app.get("button_group") if "繁體中文" in {option.content for option in one.proto.options})
    assert switch is not None and list(LANGUAGES.values()) == ["English", "繁體中文"]
    links = [one.proto for one in app.get("page_link")]
    assert links and all("lang=zh-TW" in str(link) for link in links)
