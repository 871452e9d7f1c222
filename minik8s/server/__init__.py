"""A cluster behind HTTP: FastAPI and uvicorn around `ApiServer.handle`."""
