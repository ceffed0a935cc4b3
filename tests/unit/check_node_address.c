/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: node */
#include "../lib/test.h"

#include "node/address.h"

#include "base/spawn.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

static const struct valid {
	const char *text;
	enum node_address_kind kind;
	const char *rest;
} valid[] = {
	{ "exec:kfarmd --stdio", NODE_ADDRESS_EXEC, "kfarmd --stdio" },
	{ "exec:a; b", NODE_ADDRESS_EXEC, "a; b" },
	{ "ssh:neo4a", NODE_ADDRESS_SSH, "neo4a" },
	{ "ssh:ci-1.user@10.0.0.7", NODE_ADDRESS_SSH, "ci-1.user@10.0.0.7" },
	{ "ssh:fe80::1%eth0", NODE_ADDRESS_SSH, "fe80::1%eth0" },
	{ "ssh:fe80::1:22", NODE_ADDRESS_SSH, "fe80::1:22" },
	{ "ssh:::1", NODE_ADDRESS_SSH, "::1" },
	{ "unix:/run/kfarmd", NODE_ADDRESS_UNIX, "/run/kfarmd" },
	{ "tls:neo4a", NODE_ADDRESS_TLS, "neo4a" },
	{ "tls:10.0.0.7:3635", NODE_ADDRESS_TLS, "10.0.0.7:3635" },
	{ "tls:[fd00::7]", NODE_ADDRESS_TLS, "[fd00::7]" },
	{ "tls:[fe80::1%eth0]:1", NODE_ADDRESS_TLS, "[fe80::1%eth0]:1" },
};

TIMEOUT(30);

TEST_EACH(parse_accepts_exec_ssh_unix_and_tls_addresses, valid)
{
	struct node_address a;
	struct err err = { 0 };

	must(node_address_parse(&a, row->text, &err));
	ck_assert_int_eq(a.kind, row->kind);
	ck_assert_str_eq(a.text, row->rest);
	node_address_release(&a);
}

static const char *const invalid[] = {
	"",
	"neo4a",
	"http://x",
	"tls:",
	"tls::3634",
	"tls:neo4a:",
	"tls:neo4a:0",
	"tls:neo4a:03634",
	"tls:neo4a:65536",
	"tls:neo4a:+1",
	"tls:neo4a:x",
	"tls:user@neo4a",
	"tls:-oProxyCommand=reboot",
	"tls:a b",
	"tls:a/b",
	"tls:fd00::7",
	"tls:[fd00::7",
	"tls:[fd00::7]3634",
	"tls:[fd00::7]:",
	"tls:[fd00::7]:70000",
	"tls:[]",
	"tls:[neo4a]",
	"tls:[fd00::7 ]",
	"tls:[fd00::7]]",
	"EXEC:a",
	"exec:",
	"exec: \t\n",
	"ssh:",
	"ssh:@h",
	"ssh:u@",
	"ssh:-oProxyCommand=reboot",
	"ssh:-l@h",
	"ssh:u@-h",
	"ssh:a b",
	"ssh:a\nb",
	"ssh:$(reboot)",
	"ssh:a;b",
	"ssh:`a`",
	"ssh:a'b",
	"ssh:u$x@h",
	"ssh:u@v@h",
	"ssh:a/b",
	"ssh:desk:22990",
	"ssh:user@desk:22",
	"ssh:\xc3\xa4",
	"unix:",
	"unix:relative",
};

TEST_EACH(parse_rejects_invalid_addresses, invalid)
{
	struct node_address a = { .text = NULL };
	struct err err = { 0 };

	ck_assert_int_eq(node_address_parse(&a, *row, &err), -EINVAL);
	ck_assert_str_ne(err.text, "");
	ck_assert_ptr_null(a.text);
}

static const struct {
	const char *text, *host, *port;
} split[] = {
	{ "tls:neo4a", "neo4a", "3634" },
	{ "tls:neo4a.lan:65535", "neo4a.lan", "65535" },
	{ "tls:10.0.0.7:1", "10.0.0.7", "1" },
	{ "tls:[fd00::7]", "fd00::7", "3634" },
	{ "tls:[fe80::1%eth0]:3635", "fe80::1%eth0", "3635" },
};

TEST_EACH(a_tls_address_is_split_into_host_and_port, split)
{
	struct node_address a;
	struct err err;
	char *host, *port;

	must(node_address_parse(&a, row->text, &err));
	node_address_split(&a, &host, &port);
	ck_assert_str_eq(host, row->host);
	ck_assert_str_eq(port, row->port);
	free(host);
	free(port);
	node_address_release(&a);
}

TEST(parse_rejects_a_socket_path_longer_than_107_bytes)
{
	char *text = xasprintf("unix:/%0107d", 0);
	struct node_address a;
	struct err err = { 0 };

	err_is(node_address_parse(&a, text, &err), -EINVAL,
	       "%s: path longer than 107 bytes", text);
	text[strlen(text) - 1] = '\0';
	must(node_address_parse(&a, text, &err));
	node_address_release(&a);
	free(text);
}

/* Read until `n` bytes or the end of file arrive, for at most 10 s. */
static void read_text(int fd, char *out, size_t n)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t have = 0;
	ssize_t got;

	while (have < n && poll(&p, 1, 10000) > 0 &&
	       (got = read(fd, out + have, n - have)) > 0)
		have += (size_t)got;
	out[have] = '\0';
}

static struct node_transport open_transport(const char *text)
{
	struct node_address a;
	struct node_transport d;
	struct err err = { 0 };
	int fd;

	must(node_address_parse(&a, text, &err));
	if (node_address_open(&a, &d, &fd, &err))
		ck_abort_msg("%s", err.text);
	node_address_release(&a);
	return d;
}

TEST(exec_transfers_data_in_both_directions_through_a_shell)
{
	struct node_transport d = open_transport(
		"exec:read x; echo \"got $x\"; cat");
	char text[32];

	ck_assert_int_eq(write(d.fd, "a b\nmore", 8), 8);
	ck_assert_int_eq(shutdown(d.fd, SHUT_WR), 0);
	read_text(d.fd, text, 31);
	ck_assert_str_eq(text, "got a b\nmore");
	close(d.fd);
	ck_assert_int_eq(spawn_wait(d.pid), 0);
}

TEST(exec_runs_in_its_own_process_group)
{
	struct node_transport d = open_transport(
		"exec:sleep 60 & sleep 60; echo");
	char text[8];

	ck_assert_int_eq(getpgid(d.pid), d.pid);
	ck_assert_int_eq(kill(-d.pid, SIGKILL), 0);
	spawn_wait(d.pid);
	/* Both sleeps have ended; otherwise this read would block. */
	read_text(d.fd, text, 7);
	ck_assert_str_eq(text, "");
	close(d.fd);
}

TEST(closing_the_descriptor_ends_an_exec_command)
{
	struct node_transport d = open_transport("exec:exec cat");

	close(d.fd);
	ck_assert_int_eq(spawn_wait(d.pid), 0);
}

TEST(open_returns_the_stderr_of_the_command)
{
	struct node_address a = { NODE_ADDRESS_EXEC,
				  (char *)"echo no >&2; exit 3" };
	struct node_transport d;
	struct err err = { 0 };
	char text[16];
	int fd;

	must(node_address_open(&a, &d, &fd, &err));
	ck_assert_int_ge(fd, 0);
	read_text(fd, text, 15);
	ck_assert_str_eq(text, "no\n");
	ck_assert_int_eq(spawn_wait(d.pid), 3 << 8);
	close(fd);
	close(d.fd);
}

TEST(ssh_gets_options_host_and_command)
{
	char dir[] = "/tmp/check-node-XXXXXX";
	static const char script[] = "#!/bin/sh\necho \"$*\"\n";
	char *ssh, *path, text[256];
	struct node_transport d;
	struct err err;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	ssh = xasprintf("%s/ssh", dir);
	path = xasprintf("%s:/usr/bin:/bin", dir);
	must(fs_write(ssh, bytes_str(script), 0755, &err));
	setenv("PATH", path, 1);
	d = open_transport("ssh:me@neo4a");
	read_text(d.fd, text, 255);
	ck_assert_str_eq(text,
			 "-T -oBatchMode=yes -oConnectTimeout=5 "
			 "-oServerAliveInterval=2 -oServerAliveCountMax=3 "
			 "me@neo4a exec sh -c 'PATH=\"$HOME/.local/bin:"
			 "$PATH:/usr/local/bin\"; exec kfarmd --stdio'\n");
	close(d.fd);
	spawn_wait(d.pid);
	fs_remove(dir, &err);
	free(path);
	free(ssh);
}

TEST(a_missing_ssh_program_is_an_error)
{
	struct node_address a = { NODE_ADDRESS_SSH, (char *)"host" };
	struct node_transport d;
	struct err err = { 0 };
	int fd;

	setenv("PATH", "/nowhere", 1);
	err_is(node_address_open(&a, &d, &fd, &err), -ENOENT,
	       "ssh: not found in PATH");
	ck_assert_int_eq(node_address_open(&a, &d, &fd, &err), -ENOENT);
}

TEST(unix_connects_only_to_a_listening_socket)
{
	char dir[] = "/tmp/check-node-XXXXXX";
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct node_address a = { NODE_ADDRESS_UNIX, un.sun_path };
	struct node_transport d;
	struct err err = { 0 };
	int s, fd;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(un.sun_path, sizeof(un.sun_path), "%s/s", dir);
	err_is(node_address_open(&a, &d, &fd, &err), -ENOENT,
	       "connect to %s: No such file or directory", un.sun_path);
	s = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(s, (struct sockaddr *)&un, sizeof(un)), 0);
	ck_assert_int_eq(node_address_open(&a, &d, &fd, &err), -ECONNREFUSED);
	ck_assert_int_eq(listen(s, 1), 0);
	must(node_address_open(&a, &d, &fd, &err));
	ck_assert_int_eq(d.pid, 0);
	ck_assert_int_eq(fd, -1);
	close(d.fd);
	close(s);
	fs_remove(dir, &err);
}
