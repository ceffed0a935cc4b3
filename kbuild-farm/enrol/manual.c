/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "enrol/manual.h"

#include "base/str.h"
#include "enrol/text.h"
#include "node/address.h"
#include "node/program.h"

#include <stdlib.h>
#include <string.h>

static unsigned default_port(void)
{
	return (unsigned)atoi(NODE_TLS_PORT);
}

/* uname -m there, and whose program that machine runs. */
static const struct {
	const char *machine, *host;
} machines[] = {
	{ "x86_64", "x86_64" },
	{ "aarch64", "arm64" },
	{ "armv7l", "arm" },
	{ "riscv64", "riscv64" },
};

/* A line for each program that is here, to copy the one that fits. */
static void add_copies(struct buf *out, const char *ssh, const char *to)
{
	buf_printf(out,
		   "# Here: one of these, by what `ssh %s uname -m` "
		   "says.\n",
		   ssh);
	for (size_t i = 0; i < sizeof(machines) / sizeof(*machines); i++) {
		struct err why = { 0 };
		char *path = NULL;

		if (node_program_find(machines[i].host, &path, &why)) {
			buf_printf(out, "# %s: %s\n", machines[i].machine,
				   why.text);
			continue;
		}
		buf_add_str(out, "scp ");
		buf_add_shell_word(out, path);
		buf_printf(out, " %s:%s\t# %s\n", ssh, to, machines[i].machine);
		free(path);
	}
}

/* The unit with the path that is ours; the package has another. */
static void add_unit(struct buf *out)
{
	static const char theirs[] = "/usr/bin/kfarmd";
	char *unit = bytes_dup(enrol_text(ENROL_UNIT));
	char *at = strstr(unit, theirs);
	size_t before = at ? (size_t)(at - unit) : strlen(unit);

	buf_add(out, unit, before);
	if (at)
		buf_printf(out, "/usr/local/bin/kfarmd%s", at + strlen(theirs));
	free(unit);
}

static void add_service(struct buf *out, const struct enrol_wish *wish)
{
	buf_printf(out,
		   "\n# There, as root:\n"
		   "chmod 755 /usr/local/bin/kfarmd\n"
		   "useradd --system --user-group --no-create-home kfarm\n"
		   "mkdir -p /etc/kfarm\n"
		   "kfarmd --config /etc/kfarm --init\n"
		   "chown kfarm /etc/kfarm/key.pem\n"
		   "echo '%s %s' >>/etc/kfarm/clients\n"
		   "printf '[node]\\n\\tlisten = %%s\\n' %u >>"
		   "/etc/kfarm/node.conf\n"
		   "cat >/etc/systemd/system/kfarmd.service <<'END'\n",
		   wish->pin, wish->client,
		   wish->port ? wish->port : default_port());
	add_unit(out);
	buf_add_str(out, "END\n"
			 "# Where `su -s /bin/sh kfarm -c 'kfarmd --check'` "
			 "has no sandbox, but root's\n"
			 "# `kfarmd --check` has one: chown root "
			 "/etc/kfarm/key.pem, and in that file\n"
			 "#   User=root\n"
			 "#   CapabilityBoundingSet=CAP_SYS_ADMIN CAP_SETUID "
			 "CAP_SETGID CAP_SETPCAP CAP_KILL\n"
			 "systemctl daemon-reload\n"
			 "systemctl enable --now kfarmd\n"
			 "# Without systemd have this started at boot, by the "
			 "user kfarm:\n"
			 "#   XDG_DATA_HOME=/var/lib kfarmd --config "
			 "/etc/kfarm\n");
}

void enrol_manual(struct buf *out, const char *name, const char *ssh,
		  const struct enrol_wish *wish)
{
	const char *at = strrchr(ssh, '@');

	if (wish->mode == ENROL_SSH) {
		add_copies(out, ssh, ".local/bin/kfarmd");
		buf_printf(out,
			   "\n# There: mkdir -p ~/.local/bin before, and then\n"
			   "chmod 755 ~/.local/bin/kfarmd\n"
			   "\n# Here, in the configuration:\n"
			   "git config -f ~/.config/kfarm/config "
			   "node.%s.address ssh:%s\n",
			   name, ssh);
		return;
	}
	add_copies(out, ssh, "/usr/local/bin/kfarmd");
	add_service(out, wish);
	buf_printf(out,
		   "\n# Here, with the key that --init showed:\n"
		   "kfarm nodes add %s tls:%s",
		   name, at ? at + 1 : ssh);
	if (wish->port && wish->port != default_port())
		buf_printf(out, ":%u", wish->port);
	buf_add_str(out, " --key SHA256:...\n");
}
