"""What does systemd need to run the gateway? A unit: ready when it says so, drained when stopped.

The options are those of systemd.service(5) and systemd.exec(5).
"""

from __future__ import annotations

from pathlib import Path

_UNIT = """\
# {where}
[Unit]
Description=voicecall, a phone line for programs and AI agents
Documentation=man:systemd.service(5)
Wants=network-online.target
After=network-online.target

[Service]
Type=notify
NotifyAccess=main
{environment}ExecStart={command} serve --config {config} --state-dir {state}
ExecReload={command} reload --config {config} --state-dir {state}
KillMode=mixed
# Calls that are up may finish (gateway.drainTimeoutSeconds); then they are hung up.
TimeoutStopSec=180
TimeoutStartSec=120
Restart=on-failure
RestartSec=2
# 2, 3: the command line or the configuration is wrong; starting again does not help.
RestartPreventExitStatus=2 3
{identity}UMask=0077
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
LockPersonality=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
PrivateDevices=yes
PrivateTmp=yes
{files}RemoveIPC=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM

[Install]
WantedBy={target}
"""

_OF_ROOT = "/etc/systemd/system/voicecall.service; systemctl enable --now voicecall"
_OF_USER = "~/.config/systemd/user/voicecall.service; systemctl --user enable --now voicecall"


def unit(
    *,
    command: str,
    config: Path,
    state: Path | None,
    environment_file: Path | None,
    of_user: bool,
) -> str:
    """The text of the unit.

    Args:
        command: absolute path of `voicecall`.
        config: the configuration file.
        state: the state directory; None: systemd's own for the service, under /var/lib.
        environment_file: where secrets are read from.
        of_user: for the service manager of a user; else the service gets a user of its own.
    """
    own = f"ReadWritePaths={_quoted(str(state))}\n" if state else "StateDirectory=voicecall\n"
    strict = "ProtectSystem=strict\n" + ("" if of_user else "ProtectHome=read-only\n")
    environment = f"EnvironmentFile={environment_file.absolute()}\n" if environment_file else ""
    return _UNIT.format(
        where=_OF_USER if of_user else _OF_ROOT,
        command=_quoted(command),
        config=_quoted(str(config)),
        state=_quoted(str(state)) if state else "%S/voicecall",
        environment=environment,
        identity="" if of_user else _identity(state),
        files=strict + own + ("" if state else "StateDirectoryMode=0700\n"),
        target="default.target" if of_user else "multi-user.target",
    )


def _identity(state: Path | None) -> str:
    """A user that exists only while the service runs; one that stays where it owns a folder."""
    return "DynamicUser=yes\n" if state is None else "User=voicecall\nGroup=voicecall\n"


def _quoted(text: str) -> str:
    """One word of a command line of systemd's."""
    text = text.replace("%", "%%")
    if text.replace("/", "").replace("-", "").replace("_", "").replace(".", "").isalnum():
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
