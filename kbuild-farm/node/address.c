/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/address.h"

#include "base/socket.h"
#include "base/spawn.h"
#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/*
 * The command that ssh executes on the node.  The inner sh makes the command
 * independent of the user's login shell.  Without root, `kfarm nodes add`
 * installs kfarmd in ~/.local/bin, which is rarely in PATH.  Therefore the
 * command adds this directory to PATH.
 */
#define SSH_COMMAND                                                    \
	"exec sh -c 'PATH=\"$HOME/.local/bin:$PATH:/usr/local/bin\"; " \
	"exec kfarmd --stdio'"

static const char *const address_prefixes[] = {
	[NODE_ADDRESS_EXEC] = "exec:",
	[NODE_ADDRESS_SSH] = "ssh:",
	[NODE_ADDRESS_UNIX] = "unix:",
	[NODE_ADDRESS_TLS] = "tls:",
};

static bool consists_of(const char *s, size_t n, const char *more)
{
	for (size_t i = 0; i < n; i++) {
		if (!isalnum((unsigned char)s[i]) && !strchr(more, s[i]))
			return false;
	}
	return n > 0;
}

/*
 * Return PORT if `host` has the form HOST:PORT, which ssh does not accept.
 * Return NULL for any other form.  An IPv6 address is not mistaken for
 * HOST:PORT, because it contains more than one colon.
 */
static const char *find_port(const char *host)
{
	const char *colon = strchr(host, ':');

	if (!colon || !colon[1] || colon[1 + strspn(colon + 1, "0123456789")])
		return NULL;
	return colon + 1;
}

/*
 * Reject user and host names that are unsafe for ssh.  ssh takes a name with a
 * leading dash as an option, and a shell executes commands of ssh_config(5)
 * that can contain the names.
 */
static int check_ssh(const char *text, struct err *err)
{
	const char *at = strrchr(text, '@');
	const char *host = at ? at + 1 : text;

	if (at &&
	    (text[0] == '-' || !consists_of(text, (size_t)(at - text), "._+-")))
		return err_set(err, EINVAL,
			       "ssh:%s: invalid user name: expected letters, "
			       "digits and . _ + -",
			       text);
	if (host[0] == '-' || !consists_of(host, strlen(host), "._:%-"))
		return err_set(err, EINVAL,
			       "ssh:%s: invalid host name: expected letters, "
			       "digits and . _ : %% -; for a port, see "
			       "ssh_config(5)",
			       text);
	if (find_port(host))
		return err_set(err, EINVAL,
			       "ssh:%s: unexpected port; set \"Port %s\" in "
			       "~/.ssh/config, see ssh_config(5)",
			       text, find_port(host));
	return 0;
}

static int check_unix(const char *text, struct err *err)
{
	struct sockaddr_un un;

	if (text[0] != '/')
		return err_set(err, EINVAL, "unix:%s: not an absolute path",
			       text);
	if (strlen(text) >= sizeof(un.sun_path))
		return err_set(err, EINVAL,
			       "unix:%s: path longer than %zu bytes", text,
			       sizeof(un.sun_path) - 1);
	return 0;
}

static int check_exec(const char *text, struct err *err)
{
	if (!text[strspn(text, " \t\n")])
		return err_set(err, EINVAL, "exec: missing command");
	return 0;
}

/* Check the end of the address `text`: `rest` must be "" or ":PORT". */
static int check_port(const char *text, const char *rest, struct err *err)
{
	long port;

	if (!*rest || (*rest == ':' && rest[1] != '0' &&
		       !str_parse_number(rest + 1, 1, 65535, &port)))
		return 0;
	return err_set(err, EINVAL,
		       "tls:%s: invalid port: expected :PORT from 1 to 65535",
		       text);
}

static int check_tls(const char *text, struct err *err)
{
	bool brackets = text[0] == '[';
	size_t n = strcspn(text, brackets ? "]" : ":");

	if (brackets) {
		/* Accept a scope id, as in fe80::1%eth0. */
		if (text[n] != ']' || !consists_of(text + 1, n - 1, ".:%_-") ||
		    !memchr(text, ':', n))
			return err_set(err, EINVAL,
				       "tls:%s: expected an IPv6 address in "
				       "brackets",
				       text);
		return check_port(text, text + n + 1, err);
	}
	if (text[n] && strchr(text + n + 1, ':'))
		return err_set(
			err, EINVAL,
			"tls:%s: IPv6 address must be in brackets, as in "
			"tls:[fd00::7]:" NODE_TLS_PORT,
			text);
	if (text[0] == '-' || !consists_of(text, n, "._-"))
		return err_set(err, EINVAL,
			       "tls:%s: invalid host name: expected letters, "
			       "digits and . _ -",
			       text);
	return check_port(text, text + n, err);
}

int node_address_parse(struct node_address *a, const char *text,
		       struct err *err)
{
	static int (*const checks[])(const char *, struct err *) = {
		[NODE_ADDRESS_EXEC] = check_exec,
		[NODE_ADDRESS_SSH] = check_ssh,
		[NODE_ADDRESS_UNIX] = check_unix,
		[NODE_ADDRESS_TLS] = check_tls,
	};

	for (int kind = NODE_ADDRESS_EXEC; kind <= NODE_ADDRESS_TLS; kind++) {
		const char *rest = text + strlen(address_prefixes[kind]);
		int ret;

		if (!str_starts(text, address_prefixes[kind]))
			continue;
		ret = checks[kind](rest, err);
		if (!ret)
			*a = (struct node_address){
				.kind = (enum node_address_kind)kind,
				.text = xstrdup(rest)
			};
		return ret;
	}
	return err_set(err, EINVAL,
		       "invalid node address \"%s\": expected tls:HOST[:PORT], "
		       "ssh:[USER@]HOST, exec:COMMAND or unix:PATH",
		       text);
}

void node_address_release(struct node_address *a)
{
	free(a->text);
	a->text = NULL;
}

unsigned node_address_count_files(const struct node_address *a)
{
	/* A command has a socket and a pipe from its stderr. */
	return a->kind == NODE_ADDRESS_EXEC || a->kind == NODE_ADDRESS_SSH ? 2 :
									     1;
}

void node_address_split(const struct node_address *a, char **host, char **port)
{
	bool brackets = a->text[0] == '[';
	const char *begin = a->text + brackets;
	const char *end = begin + strcspn(begin, brackets ? "]" : ":");
	const char *rest = end + brackets;

	*host = xstrndup(begin, (size_t)(end - begin));
	*port = xstrdup(*rest == ':' ? rest + 1 : NODE_TLS_PORT);
}

static int open_transport(const struct node_address *a, int stderr_fd,
			  struct node_transport *out, struct err *err)
{
	char *const shell[] = { "/bin/sh", "-c", a->text, NULL };
	/* With these options, ssh detects a dead connection after 6 s. */
	char *const ssh[] = { "ssh",
			      "-T",
			      "-oBatchMode=yes",
			      "-oConnectTimeout=5",
			      "-oServerAliveInterval=2",
			      "-oServerAliveCountMax=3",
			      a->text,
			      SSH_COMMAND,
			      NULL };

	struct spawn what = { .argv = a->kind == NODE_ADDRESS_SSH ? ssh : shell,
			      .own_group = true };
	int ends[2], ret;

	if (a->kind == NODE_ADDRESS_UNIX) {
		int fd = socket_connect(a->text, err);

		if (fd < 0)
			return fd;
		*out = (struct node_transport){ .fd = fd };
		return 0;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return err_errno(err, "socketpair");
	what.stdio_fds[0] = what.stdio_fds[1] = ends[1];
	what.stdio_fds[2] = stderr_fd;
	out->fd = ends[0];
	ret = spawn_start(&what, &out->pid, err);
	close(ends[1]);
	if (ret)
		close(ends[0]);
	return ret;
}

int node_address_open(const struct node_address *a, struct node_transport *out,
		      int *stderr_fd, struct err *err)
{
	int ends[2], ret;

	*stderr_fd = -1;
	if (a->kind == NODE_ADDRESS_UNIX)
		return open_transport(a, -1, out, err);
	if (pipe2(ends, O_CLOEXEC))
		return err_errno(err, "pipe");
	ret = open_transport(a, ends[1], out, err);
	close(ends[1]);
	if (ret) {
		close(ends[0]);
		return ret;
	}
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	*stderr_fd = ends[0];
	return 0;
}
