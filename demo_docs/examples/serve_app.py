from pathlib import Path

import uvicorn

from molsys_chat_server.settings import load_settings
from molsys_chat_server.web.app import create_app

settings = load_settings(indexes=(Path("index"),), port=8801)
uvicorn.run(create_app(settings), host=settings.host, port=settings.port)
