"""Child: the least that a window of PySide6 can be, ended as soon as it is painted."""

import sys

from PySide6.QtCore import QEvent, QTimer
from PySide6.QtWidgets import QApplication, QLabel, QMainWindow


class Label(QLabel):
    """Says when it is painted."""

    def event(self, event: QEvent) -> bool:
        done = super().event(event)
        if event.type() == QEvent.Type.Paint:
            QTimer.singleShot(0, self, painted)
        return done


def painted() -> None:
    print("painted", flush=True)
    QApplication.quit()


app = QApplication(sys.argv)
window = QMainWindow()
window.setCentralWidget(Label("embedviz"))
window.show()
sys.exit(app.exec())
