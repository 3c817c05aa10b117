import pytest

from embedviz.gui.theme import Theme


@pytest.fixture
def theme(qapp):
    return Theme("light")


@pytest.fixture(params=[("light", 1.0), ("dark", 1.0), ("light", 1.6), ("dark", 1.6)], ids=str)
def any_theme(qapp, request):
    return Theme(*request.param)
