"""What does a plugin module look like that costs too much to import? Like this one."""

import httpx

CLIENT = httpx.AsyncClient
