"""Can an operator copy what the page about operations prints? Unit, backup, alerts, proxies."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
import yaml

from voicecall.cli.systemd import unit
from voicecall.config.loader import load_config
from voicecall.model.call import CallMode
from voicecall.plugins.registry import Registry
from voicecall.runtime import running
from voicecall.service import CallRequest
from voicecall.web.metrics import REFUSALS, STEPS
from voicecall.web.prober import Reached
from voicecall.webhooks.gate import GateCounters

METRIC = re.compile(r"\b(?:voicecall|process)_\w+")
SELECTOR = re.compile(r'(\w+)=~?"([^"]+)"')
KNOWN = {
    "reason": set(REFUSALS),
    "result": set(GateCounters.__slots__),
    "status": {each.value for each in Reached},
    "step": set(STEPS),
    "job": {"voicecall"},
}
CONFIG = """{
  provider: "mock",
  publicUrl: "http://127.0.0.1:9/voice/webhook",
  reachability: { check: "off" },
  serve: { port: 0 },
  gateway: { port: 0 },
}"""


@pytest.fixture(scope="module")
def text(repo: Path) -> str:
    return (repo / "docs" / "operations.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def rules(text: str) -> list[dict[str, Any]]:
    (document,) = (
        found for found in map(yaml.safe_load, blocks(text, "yaml")) if "groups" in found
    )
    return [rule for group in document["groups"] for rule in group["rules"]]


def test_the_printed_unit_is_the_one_that_the_command_prints(text: str) -> None:
    assert blocks(text, "ini") == [
        unit(
            command="/opt/voicecall/bin/voicecall",
            config=Path("/etc/voicecall/voicecall.json5"),
            state=None,
            environment_file=Path("/etc/voicecall/env"),
            of_user=False,
        )
    ]


def test_every_alert_says_what_is_wrong_and_how_urgent_it_is(text: str) -> None:
    found = rules(text)
    assert len({rule["alert"] for rule in found}) == len(found) > 10
    for rule in found:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}, rule
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"]
        assert rule["expr"].count("(") == rule["expr"].count(")")
        for label, values in SELECTOR.findall(rule["expr"]):
            assert set(values.split("|")) <= KNOWN[label], rule


def test_the_file_for_traefik_is_yaml_that_leads_to_the_listener(text: str) -> None:
    (document,) = (found for found in map(yaml.safe_load, blocks(text, "yaml")) if "http" in found)
    (router,) = document["http"]["routers"].values()
    assert set(router["middlewares"]) == set(document["http"]["middlewares"])
    assert set(document["http"]["services"]) == {router["service"]}


def test_the_backup_of_a_running_gateway_restores_and_every_metric_of_an_alert_is_there(
    text: str, registry: Registry, tmp_path: Path
) -> None:
    backup, restore = blocks(text, "bash")
    path, state, other = tmp_path / "voicecall.json5", tmp_path / "state", tmp_path / "other"
    path.write_text(CONFIG)
    loaded = load_config(path, registry, environ={})
    copies = {**os.environ, "BACKUP": str(tmp_path / "backup")}

    async def main() -> None:
        with anyio.fail_after(60):
            async with running(loaded, state_dir=state, drain_seconds=0) as started:
                call_id = await started.service.initiate(
                    CallRequest(to_number="+15550002222", message="Hello", mode=CallMode.NOTIFY)
                )
                page = await metrics_of(started, state)
                await anyio.run_process(
                    ["bash", "-euc", backup], env={**copies, "STATE": str(state)}, stderr=None
                )
            await anyio.run_process(
                ["bash", "-euc", restore], env={**copies, "STATE": str(other)}, stderr=None
            )
            async with running(loaded, state_dir=other, drain_seconds=0) as started:
                assert [call.call_id for call in await started.service.history(10)] == [call_id]
        shown = set(re.findall(r"^(\w+)(?:\{| )", page, re.MULTILINE))
        shown |= set(re.findall(r"^# TYPE (\w+) ", page, re.MULTILINE))
        for rule in rules(text):
            names = METRIC.findall(rule["expr"])
            assert {name.removesuffix("_bucket") for name in names} <= shown, rule

    anyio.run(main)


async def metrics_of(started: Any, state: Path) -> str:
    token = (state / "gateway.token").read_text().strip()
    async with httpx.AsyncClient(trust_env=False) as client:
        url, headers = f"{started.gateway.url}/metrics", {"authorization": f"Bearer {token}"}
        return (await client.get(url, headers=headers)).text
