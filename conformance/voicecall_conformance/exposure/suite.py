"""What does the author of an exposure subclass? `ExposureConformance`, every rule."""

from __future__ import annotations

from urllib.parse import urlsplit

import anyio

from voicecall.sdk import ExposureError, PublicEndpoint, Severity
from voicecall_conformance.exposure.harness import Mishap
from voicecall_conformance.exposure.rig import ExposureRig, exposure_rig, until
from voicecall_conformance.exposure.rulebook import EXPOSURE
from voicecall_conformance.rules import applies, equal, hold, ruling
from voicecall_conformance.sealed import Sealed
from voicecall_conformance.speech.package import (
    declared_suite,
    goes_on,
    leaves_no_task,
    running_tasks,
)
from voicecall_conformance.speech.rig import Underway
from voicecall_conformance.suites.package import secrets_of

rule = ruling(EXPOSURE, exposure_rig)

KERNEL_SECONDS = 30.0
"""What the kernel gives a plugin to open."""
QUERY = "callId=a%2Fb&x=%C3%A9+y"
BODY = b"CallSid=CA1&Digits=%23\x00\xff\r\n"
ASKED_TWICE = 2


class ExposureConformance(declared_suite("exposure", rule), Sealed):  # type: ignore[misc]
    """Every rule that an exposure keeps, as tests::

        class TestAcme(ExposureConformance):
            harness_type = AcmeHarness

    A rule that cannot be kept is a `Deviation` of the harness; a test is never overridden.
    """

    @rule("exposure.opens")
    async def test_it_opens_and_its_waiting_is_limited(self, rig: ExposureRig) -> None:
        waited = sum(rig.limits.values())
        hold(waited < KERNEL_SECONDS, f"its limits add up to {waited:g} s")
        hold(bool(waited) or not rig.harness.starts, "the harness names no `limits` of the plugin")
        async with rig.opened() as endpoint:
            hold(isinstance(endpoint, PublicEndpoint), f"opened as {endpoint!r}")
        hold(not rig.harness.starts or await rig.harness.started() > 0, "nothing was started")

    @rule("exposure.urls")
    async def test_carriers_can_be_given_both_urls(self, rig: ExposureRig) -> None:
        async with rig.opened() as endpoint:
            webhook, stream = urlsplit(endpoint.webhook_url), urlsplit(endpoint.stream_url)
        loopback = webhook.hostname in ("127.0.0.1", "::1", "localhost")
        hold(webhook.scheme == "https" or loopback, f"carriers get {webhook.geturl()}")
        equal("scheme of the stream URL", stream.scheme, webhook.scheme.replace("http", "ws"))
        equal("host and port of the stream URL", stream.netloc, webhook.netloc)
        for parts in (webhook, stream):
            hold(bool(parts.hostname), f"no host in {parts.geturl()}")
            hold(parts.path.startswith("/"), f"no path in {parts.geturl()}")
            hold("@" not in parts.netloc, "a user in a URL")
            hold(not parts.query and not parts.fragment, f"more than a path: {parts.geturl()}")

    @rule("exposure.paths")
    async def test_both_urls_lead_to_our_listener(self, rig: ExposureRig) -> None:
        rig.starts()
        async with rig.opened() as endpoint:
            await rig.leads_here(endpoint)

    @rule("exposure.forwards")
    async def test_what_is_sent_arrives_unchanged(self, rig: ExposureRig) -> None:
        applies(rig.harness.forwards, "its double hands nothing on")
        async with rig.opened() as endpoint:
            await rig.harness.send(f"{endpoint.webhook_url}/status?{QUERY}", BODY)
        arrived = [(each.method, each.path, each.query, each.body) for each in rig.arrived]
        equal("arrived", arrived, [("POST", f"{rig.context.webhook_path}/status", QUERY, BODY)])

    @rule("exposure.steady")
    async def test_looking_after_it_changes_nothing(self, rig: ExposureRig) -> None:
        async with rig.opened() as endpoint:
            before = (endpoint.webhook_url, endpoint.stream_url, await rig.harness.started())
            for _ in range(ASKED_TWICE):
                await endpoint.refresh()
            after = (endpoint.webhook_url, endpoint.stream_url, await rig.harness.started())
            equal("URLs, and how often something was started", after, before)

    @rule("exposure.drifts")
    async def test_a_changed_name_is_noticed(self, rig: ExposureRig) -> None:
        applies(rig.harness.drifts, "its public name stays the same while it is open")
        async with rig.opened() as endpoint:
            before = endpoint.webhook_url
            await rig.harness.drift()
            hold(_is_of_one_host(endpoint), "the two URLs are of two hosts")
            await endpoint.refresh()
            hold(endpoint.webhook_url != before, f"it is still {before}")
            hold(_is_of_one_host(endpoint), "the two URLs are of two hosts")
            await rig.leads_here(endpoint)

    @rule("exposure.gone")
    async def test_a_public_side_that_is_gone_is_reported(self, rig: ExposureRig) -> None:
        (mishap,) = rig.meets(Mishap.REFUSED)
        async with rig.opened() as endpoint:
            rig.harness.meet(mishap)
            await rig.harness.die()
            for _ in range(ASKED_TWICE):
                error = await rig.raises(ExposureError, "a public side gone", endpoint.refresh)
                rig.reads_well("the reason", error.reason)
        await rig.leaves_nothing("closing what had gone")

    @rule("exposure.recovers")
    async def test_a_public_side_that_is_gone_comes_back(self, rig: ExposureRig) -> None:
        rig.starts()
        async with rig.opened() as endpoint:
            await rig.harness.die()
            await endpoint.refresh()
            await rig.leads_here(endpoint)
            if Mishap.REFUSED in rig.harness.mishaps:
                rig.harness.meet(Mishap.REFUSED)
                await rig.harness.die()
                await rig.raises(ExposureError, "a public side gone", endpoint.refresh)
                rig.harness.meet(None)
                await endpoint.refresh()
                await rig.leads_here(endpoint)
        await rig.leaves_nothing("closing what had come back")

    @rule("exposure.fails")
    async def test_a_start_that_fails_says_why(self, rig: ExposureRig) -> None:
        for mishap in rig.meets(Mishap.REFUSED, Mishap.MISSING):
            with rig.hurried():
                await rig.refused(mishap)
            rig.harness.meet(None)

    @rule("exposure.hangs")
    async def test_a_start_that_hangs_is_given_up(self, rig: ExposureRig) -> None:
        (mishap,) = rig.meets(Mishap.HANGS)
        with rig.hurried():
            await rig.refused(mishap)

    @rule("exposure.cancel")
    async def test_cancelling_while_it_opens_leaves_nothing(self, rig: ExposureRig) -> None:
        (mishap,) = rig.meets(Mishap.HANGS)
        rig.harness.meet(mishap)
        underway = Underway()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(underway.run, rig.works)
            await until(rig.harness.present, "nothing is started")
            hold(await underway.ends(), "it goes on being opened when it is cancelled")
        await rig.leaves_nothing("being cancelled")

    @rule("exposure.closed")
    async def test_closing_leaves_nothing(self, rig: ExposureRig) -> None:
        await rig.works()
        await rig.leaves_nothing("closing")

    @rule("exposure.crash")
    async def test_the_next_one_clears_up_after_a_crash(self, rig: ExposureRig) -> None:
        rig.starts()
        await rig.crash()
        async with rig.opened() as endpoint:
            await rig.leads_here(endpoint)
        await rig.leaves_nothing("a crash, and another that was opened and closed")

    @rule("exposure.others")
    async def test_nobody_elses_things_are_touched(self, rig: ExposureRig) -> None:
        rig.starts()
        await rig.harness.intrude(rig.context.state_dir)
        await rig.works()
        await rig.undisturbed("opening and closing")
        if rig.spec.remove is not None:
            await rig.spec.remove(rig.config, rig.context)
            await rig.undisturbed("removing nothing")
            async with rig.opened(by_hand=True):
                pass
            await rig.spec.remove(rig.config, rig.context)
            await rig.undisturbed("removing what was opened by hand")
        await rig.crash()
        await rig.works()
        await rig.undisturbed("clearing up after a crash")

    @rule("exposure.by-hand")
    async def test_what_is_opened_by_hand_stays(self, rig: ExposureRig) -> None:
        _outlives(rig)
        async with rig.opened(by_hand=True) as endpoint:
            await rig.leads_here(endpoint)
        await rig.leads_here(endpoint)
        hold(bool(await rig.harness.present()), "nothing is there any more")

    @rule("exposure.borrows")
    async def test_a_gateway_uses_and_leaves_it(self, rig: ExposureRig) -> None:
        _outlives(rig)
        async with rig.opened(by_hand=True) as by_hand:
            pass
        started = await rig.harness.started()
        async with rig.opened() as endpoint:
            equal("the gateway's URL", endpoint.webhook_url, by_hand.webhook_url)
            await endpoint.refresh()
            equal("what the gateway started", await rig.harness.started() - started, 0)
            await rig.leads_here(endpoint)
        await rig.leads_here(endpoint)

    @rule("exposure.removes")
    async def test_what_is_opened_by_hand_can_be_removed(self, rig: ExposureRig) -> None:
        _outlives(rig)
        async with rig.opened(by_hand=True):
            pass
        remove = rig.spec.remove
        equal("whether there was something", await remove(rig.config, rig.context), True)
        await rig.leaves_nothing("removing it")
        equal("whether there was more", await remove(rig.config, rig.context), False)

    @rule("exposure.check")
    async def test_check_only_reads(self, rig: ExposureRig) -> None:
        equal("errors while all is well", await _errors(rig), [])
        async with rig.opened() as endpoint:
            before = (await rig.left(), await rig.harness.started())
            equal("errors beside an open one", await _errors(rig), [])
            found = [each for each in await endpoint.check() if each.severity is Severity.ERROR]
            equal("errors of the open one", found, [])
            equal("after looking", (await rig.left(), await rig.harness.started()), before)
        if Mishap.MISSING in rig.harness.mishaps:
            rig.harness.meet(Mishap.MISSING)
            hold(bool(await _errors(rig)), "no error where the program is not there")

    @rule("exposure.private")
    async def test_secrets_are_shown_to_nobody(self, rig: ExposureRig) -> None:
        private = secrets_of(rig.config)
        applies(bool(private), "the plugin's section has no secrets")
        async with rig.opened():
            equal("files with a secret that others can read", rig.open_to_others(), [])
            for line in await rig.harness.command_lines():
                hold(not any(each in line for each in private), "a command line holds a secret")
        equal("such files after it is closed", rig.open_to_others(), [])

    @rule("exposure.silent")
    async def test_errors_and_log_hold_no_secret(self, rig: ExposureRig) -> None:
        applies(bool(secrets_of(rig.config)), "the plugin's section has no secrets")
        await rig.works()
        for mishap in rig.meets(*Mishap):
            with rig.hurried():
                error = await rig.refused(mishap)
            rig.gives_nothing_away(f"the error of a start that is {mishap}", f"{error!r} {error}")
            rig.harness.meet(None)
        rig.gives_nothing_away("the log", "\n".join(rig.logged))

    @rule("exposure.reopens")
    async def test_it_can_be_opened_again(self, rig: ExposureRig) -> None:
        await rig.works()
        before = running_tasks()
        await rig.works()
        await leaves_no_task(before)

    @rule("exposure.yields")
    async def test_the_event_loop_is_not_held_up(self, rig: ExposureRig) -> None:
        await rig.works()
        await goes_on(rig.works)


def _is_of_one_host(endpoint: PublicEndpoint) -> bool:
    return urlsplit(endpoint.webhook_url).netloc == urlsplit(endpoint.stream_url).netloc


def _outlives(rig: ExposureRig) -> None:
    rig.starts()
    applies(rig.harness.outlives, "what it sets up ends with the process that opened it")
    hold(rig.spec.remove is not None, "there is no `remove` for what is opened by hand")


async def _errors(rig: ExposureRig) -> list[object]:
    before = (await rig.left(), await rig.harness.started())
    found = await rig.spec.check(rig.config, rig.context)
    equal("after looking", (await rig.left(), await rig.harness.started()), before)
    return [each for each in found if each.severity is Severity.ERROR]
