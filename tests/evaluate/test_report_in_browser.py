"""The report as a browser shows it, moved and sorted by keyboard, mouse and touch."""

import base64
import io
import json
import shutil

import pytest
from PIL import Image
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from imgxlate.evaluate import report

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")

pytestmark = pytest.mark.skipif(not (BROWSER and DRIVER), reason="no Chromium with its chromedriver on this machine")

NAMES = ("<script>alert(1)<script>.png", "\"' onload=alert(2) x='.png", "10.png", "9.png")

SWITCHES = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1280,900"),
)

# The ratio of WCAG 2.2 of each piece of text to what is behind it, and the least that it asks of its size.
CONTRASTS = """
const channel = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const parts = (color) => color.match(/[\\d.]+/g).map(Number);
const behind = (element) => {
  const color = parts(getComputedStyle(element).backgroundColor);
  return color.length < 4 || color[3] ? color : behind(element.parentElement);
};
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const found = [];
while (texts.nextNode()) {
  const element = texts.currentNode.parentElement;
  if (!texts.currentNode.data.trim() || !element.checkVisibility()) continue;
  const style = getComputedStyle(element);
  const [dark, bright] = [light(parts(style.color)), light(behind(element))].sort((a, b) => a - b);
  const large = parseFloat(style.fontSize) >= 24;
  found.push([texts.currentNode.data.trim(), (bright + 0.05) / (dark + 0.05), large ? 3 : 4.5]);
}
return found;
"""


@pytest.fixture(scope="module")
def comparison(compared, tmp_path_factory):
    return compared(tmp_path_factory.mktemp("comparison"), names=NAMES)


@pytest.fixture(scope="module")
def file(comparison, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(report.page(comparison), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for switch in (*SWITCHES, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with webdriver.Chrome(options=options, service=Service(DRIVER)) as driver:
        yield driver


@pytest.fixture
def opened(browser, file):
    """The page in a window of 1280 pixels; afterwards, that it complained of nothing and asked for nothing."""
    browser.get_log("performance")
    emulate(browser, 1280)
    browser.get(file.as_uri())
    yield browser
    assert browser.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [each["params"]["request"]["url"] for each in messages if each["method"] == "Network.requestWillBeSent"]
    assert file.as_uri() in asked
    assert [url for url in asked if not url.startswith(("file:", "data:", "chrome:"))] == []


def emulate(browser, width, *, media="", **features):
    phone = width < 500
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": phone}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    wanted = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": wanted})


def one(browser, selector):
    return browser.find_element(By.CSS_SELECTOR, selector)


def many(browser, selector):
    return browser.find_elements(By.CSS_SELECTOR, selector)


def press(browser, *keys):
    ActionChains(browser).send_keys(*keys).perform()


def wait(browser, condition):
    """For what the browser does a moment after what made it."""
    WebDriverWait(browser, 20).until(lambda _: condition())


def focus(browser, element):
    browser.execute_script("arguments[0].focus()", element)


def unfold(browser):
    browser.execute_script("document.querySelectorAll('details').forEach((each) => (each.open = true))")


def clips(frame):
    return [one(frame, name).value_of_css_property("clip-path") for name in (".output", ".before")]


def color_at(element, across):
    """The color of a place on the element's upper edge, where no handle is."""
    image = Image.open(io.BytesIO(base64.b64decode(element.screenshot_as_base64))).convert("RGB")
    return image.getpixel((round(across * image.width), 8))


def near(color, other):
    return all(abs(one - another) < 12 for one, another in zip(color, other, strict=True))


def share(frame):
    return float(one(frame, "input").get_property("value"))


def titles(browser, table):
    return [cell.text for cell in many(browser, f"#{table} tbody th")]


def heading(browser, table, words):
    return next(button for button in many(browser, f"#{table} thead button") if words in button.text)


def sorted_by(comparison, measure, *, reverse):
    """The titles in the order of their numbers, those without one last."""
    present = [method for method in comparison.methods if method.numbers[measure] is not None]
    absent = [method for method in comparison.methods if method.numbers[measure] is None]
    ordered = sorted(present, key=lambda method: method.numbers[measure], reverse=reverse)
    return [method.title for method in (*ordered, *absent)]


def pixel(file):
    return Image.open(file).convert("RGB").getpixel((0, 0))


def test_arrow_keys_lay_the_input_over_an_image(opened, comparison):
    frame = one(opened, ".made .frame")
    before, after = pixel(comparison.rows[0].input), pixel(comparison.rows[0].images[0].file)
    assert near(color_at(frame, 0.2), after)
    focus(opened, one(frame, "input"))
    press(opened, *[Keys.ARROW_RIGHT] * 40)
    assert share(frame) == 40
    assert clips(frame) == ["inset(0px 0px 0px 40%)", "inset(0px 60% 0px 0px)"]
    assert near(color_at(frame, 0.2), before)
    assert near(color_at(frame, 0.6), after)
    assert one(frame, "input").get_attribute("aria-valuetext") == "40 % input"
    press(opened, Keys.HOME)
    assert near(color_at(frame, 0.2), after)


def test_dragging_the_handle_does_not_open_the_image(opened):
    frame = many(opened, ".made .frame")[1]
    half = frame.rect["width"] / 2
    ActionChains(opened).move_to_element_with_offset(frame, -int(half) + 2, 0).click_and_hold().move_by_offset(
        int(half), 0
    ).release().perform()
    assert 45 < share(frame) < 55
    assert clips(frame)[0] == one(frame, ".output").value_of_css_property("clip-path")
    assert clips(frame)[0] != "inset(0px 0px 0px 0%)"
    assert not one(opened, "dialog").is_displayed()


def test_one_slider_lays_the_inputs_over_all_images(opened):
    focus(opened, one(opened, "#all"))
    press(opened, Keys.END)
    assert {share(frame) for frame in many(opened, ".made .frame")} == {100}


def test_an_image_opens_by_keyboard_and_closing_it_restores_the_focus(opened):
    opener = many(opened, ".open")[2]
    focus(opened, opener)
    press(opened, Keys.ENTER)
    dialog = one(opened, "dialog")
    assert dialog.is_displayed()
    assert opened.switch_to.active_element == one(dialog, "input")
    assert share(dialog) == 50
    press(opened, *[Keys.ARROW_LEFT] * 10)
    assert clips(dialog)[0] == "inset(0px 0px 0px 40%)"
    press(opened, Keys.ESCAPE)
    wait(opened, lambda: not dialog.is_displayed() and opened.switch_to.active_element == opener)


def test_an_image_opens_by_mouse_and_its_divider_follows_mouse_and_finger(opened, comparison):
    many(opened, ".open")[0].click()
    frame = one(opened, "dialog .frame")
    assert near(color_at(frame, 0.25), pixel(comparison.rows[0].input))
    assert near(color_at(frame, 0.75), pixel(comparison.rows[0].images[0].file))
    width = frame.rect["width"]
    ActionChains(opened).move_to_element_with_offset(frame, int(width / 4), 40).click().perform()
    assert 70 < share(frame) < 80
    box = opened.execute_script("return arguments[0].getBoundingClientRect().toJSON()", frame)
    middle = box["y"] + box["height"] / 2
    for kind, across in (("touchStart", 0.75), ("touchMove", 0.5), ("touchMove", 0.2), ("touchEnd", None)):
        points = [] if across is None else [{"x": box["x"] + across * box["width"], "y": middle}]
        opened.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    wait(opened, lambda: 15 < share(frame) < 25)
    one(opened, "#close").click()
    wait(opened, lambda: not one(opened, "dialog").is_displayed())


def test_the_large_view_steps_through_the_images(opened):
    openers = many(opened, ".open")
    openers[0].click()
    one(opened, "#next").click()
    assert one(opened, "#large-title").text == f"MUNIT, style 01 of {NAMES[0]}"
    numbers = one(opened, "dialog dl").text
    one(opened, "#previous").click()
    one(opened, "#previous").click()
    assert one(opened, "#large-title").text == f"Neural style of {NAMES[-1]}"
    assert one(opened, "dialog dl").text != numbers
    assert len(many(opened, "dialog img")) == 2
    press(opened, Keys.ESCAPE)
    wait(opened, lambda: opened.switch_to.active_element == openers[-1])


@pytest.mark.parametrize(
    ("words", "measure", "higher_first"),
    [("SSIM", "ssim", True), ("FD over", "fd-vgg19", False), ("Gram", "gram", False), ("memory", "memory", False)],
)
def test_a_click_on_a_heading_sorts_the_best_first_and_a_second_click_reverses(
    opened, comparison, words, measure, higher_first
):
    button = heading(opened, "summary", words)
    for reverse in (higher_first, not higher_first, higher_first):
        button.click()
        assert titles(opened, "summary") == sorted_by(comparison, measure, reverse=reverse)
        sorting = [cell.get_attribute("aria-sort") for cell in many(opened, "#summary [aria-sort]")]
        assert sorting == ["descending" if reverse else "ascending"]


def test_sorting_by_keyboard_orders_numbers_by_value_and_names_naturally(opened, comparison):
    focus(opened, heading(opened, "summary", "Time"))
    press(opened, Keys.ENTER)
    assert titles(opened, "summary") == sorted_by(comparison, "seconds", reverse=False)
    press(opened, Keys.SPACE)
    assert titles(opened, "summary") == sorted_by(comparison, "seconds", reverse=True)
    focus(opened, one(opened, "summary"))
    press(opened, Keys.ENTER)
    focus(opened, heading(opened, "singles", "Input"))
    press(opened, Keys.ENTER)
    names = titles(opened, "singles")
    assert names.index("9.png") < names.index("10.png")
    assert sorted(names) == sorted(name for name in NAMES for _ in comparison.rows[0].images)


def test_every_control_has_a_name(opened):
    unfold(opened)
    page = many(opened, "main :is(button, input, summary, [role=region])")
    assert [each.get_attribute("outerHTML") for each in page if not each.accessible_name] == []
    many(opened, ".open")[0].click()
    large = many(opened, "dialog, dialog :is(button, input)")
    assert [each.get_attribute("outerHTML") for each in large if not each.accessible_name] == []


def test_nothing_overflows_the_width_of_a_phone(opened, tmp_path):
    emulate(opened, 360)
    unfold(opened)
    assert opened.execute_script("return document.documentElement.scrollWidth") == 360
    grid = one(opened, ".grid")
    assert grid.get_property("scrollWidth") > grid.get_property("clientWidth")
    opened.save_screenshot(str(tmp_path / "phone.png"))
    opened.execute_script("arguments[0].click()", one(opened, ".open"))
    dialog = one(opened, "dialog")
    assert dialog.is_displayed()
    assert dialog.get_property("scrollWidth") <= dialog.get_property("clientWidth") <= 360
    assert all(each.rect["x"] >= 0 and each.rect["x"] + each.rect["width"] <= 360 for each in many(dialog, "button"))


TOPS = "return [...arguments].map((selector) => document.querySelector(selector).getBoundingClientRect().top)"


def test_the_headings_of_the_grid_stay_at_the_top_of_the_window(opened):
    opened.execute_script("document.querySelectorAll('.grid tbody tr')[1].scrollIntoView()")
    first, headings = opened.execute_script(TOPS, ".grid tbody tr", ".grid thead th")
    assert first < headings == 0


def test_the_headings_of_the_grid_stay_at_the_top_of_its_box_on_a_phone(opened):
    emulate(opened, 360)
    opened.execute_script("document.querySelector('.grid').scrollTop = 30")
    first, headings, box = opened.execute_script(TOPS, ".grid tbody tr", ".grid thead th", ".grid")
    assert first < headings + 60
    assert headings == box


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_light_and_dark_mode(opened, tmp_path, scheme):
    emulate(opened, 1280, prefers_color_scheme=scheme)
    unfold(opened)
    opened.save_screenshot(str(tmp_path / f"{scheme}.png"))
    with Image.open(tmp_path / f"{scheme}.png") as image:
        paper = sum(image.convert("RGB").getpixel((1, 1))) / 3
    assert paper < 40 if scheme == "dark" else paper > 240
    contrasts = opened.execute_script(CONTRASTS)
    assert len(contrasts) > 80
    assert [each for each in contrasts if each[1] < each[2]] == []


def test_nothing_moves_if_the_user_prefers_reduced_motion(opened):
    emulate(opened, 1280, prefers_reduced_motion="reduce")
    moving = "return [...document.querySelectorAll('*')].map((each) => getComputedStyle(each).transitionDuration)"
    assert set(opened.execute_script(moving)) == {"0s"}


def test_a_printed_page_shows_whole_images_within_its_margins_and_no_controls(opened):
    focus(opened, one(opened, "#all"))
    press(opened, Keys.END)
    emulate(opened, 700, media="print")
    assert opened.execute_script("return document.documentElement.scrollWidth") <= 700
    assert not any(control.is_displayed() for control in many(opened, "input, .open, dialog"))
    assert all(image.value_of_css_property("clip-path") == "none" for image in many(opened, ".output"))
    assert opened.execute_script("return arguments[0].checkVisibility()", one(opened, "#singles"))


def test_images_and_numbers_are_shown_without_scripts(browser, file):
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        emulate(browser, 1280)
        browser.get(file.as_uri())
        assert all(image.is_displayed() for image in many(browser, "main img"))
        assert titles(browser, "summary") == ["MUNIT", "UNIT", "Neural style"]
        assert many(browser, "main button, figure input") == []
        assert not one(browser, "#all").is_displayed()
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
