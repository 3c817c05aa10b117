from PySide6.QtCore import Qt
from test_fake_trainer import Desk
from embedviz.engine import messages as m

def test_space_plays(desk: Desk) -> None:
    desk.press(Qt.Key.Key_Space)
    assert len(desk.sent(m.Play)) == 1
