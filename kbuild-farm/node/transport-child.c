/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/transport-child.h"

#include "base/printable.h"
#include "base/spawn.h"
#include "base/str.h"
#include "base/vec.h"

#include <ctype.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define STOP_WAIT_MS 500

bool node_transport_child_wait(pid_t pid, unsigned timeout_ms, int *status)
{
	spawn_await_exit(pid, timeout_ms);
	return waitpid(pid, status, WNOHANG) == pid;
}

int node_transport_child_stop(pid_t pid)
{
	int status = 0;
	bool over = node_transport_child_wait(pid, STOP_WAIT_MS, &status);

	if (!over) {
		kill(-pid, SIGTERM);
		over = node_transport_child_wait(pid, STOP_WAIT_MS, &status);
	}
	/* Also kill background processes of the command's process group. */
	kill(-pid, SIGKILL);
	return over ? status : spawn_wait(pid);
}

char *node_transport_child_last_line(const struct buf *text)
{
	const char *s = buf_str(text);
	size_t end = text->len, start;
	char *line;

	while (end && (unsigned char)s[end - 1] <= ' ')
		end--;
	for (start = end; start && s[start - 1] != '\n'; start--)
		;
	if (start == end)
		return NULL;
	line = xstrndup(s + start, end - start);
	printable_replace(line, end - start, 0, ' ');
	return line;
}

/* Recognize the messages of shells for a missing program. */
static bool is_kfarmd_missing(const char *why)
{
	static const char *const ends[] = {
		"kfarmd: not found", /* sh */
		"kfarmd: command not found", /* bash, sudo */
		"kfarmd: Command not found.", /* csh */
		"command not found: kfarmd", /* zsh */
		"Unknown command: kfarmd", /* fish */
		"kfarmd: No such file or directory",
		"exit status 127",
	};

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		if (str_ends(why, ends[i]))
			return !str_starts(why, "connect to ");
	}
	return false;
}

/*
 * Find in `words`, the stderr of ssh, the command that removes a host key.  The
 * result begins with the command, which ends at the end of the line.  Returns
 * NULL if ssh has not printed such a command.  Because the node can write to
 * the same stderr, also returns NULL if the command contains a character such
 * as ";" or "$", with which a shell could execute another command.
 */
static const char *find_keygen_command(const char *words)
{
	const char *at = strstr(words, "ssh-keygen -f");
	size_t n = at ? strcspn(at, "\r\n") : 0;

	for (size_t i = 0; i < n; i++) {
		if (!isalnum((unsigned char)at[i]) &&
		    !strchr(" '\"[]/.,:_@%+~-", at[i]))
			return NULL;
	}
	return at;
}

/*
 * Advise the user if ssh has no key for the node, or a key that differs from
 * the node's key.  In the second case, ssh prints the command that removes the
 * key.
 */
static char *advise_host_key(const char *why, const char *words,
			     const char *host)
{
	const char *forget = find_keygen_command(words);
	bool changed = strstr(words, "HOST IDENTIFICATION HAS CHANGED");
	int n = (int)strcspn(why, ".");

	if (!changed)
		return xasprintf(
			"%.*s: unknown host key; run `ssh %s true`, compare "
			"the fingerprint that it shows with the "
			"node's and answer yes",
			n, why, host);
	return xasprintf("%.*s: the node's host key has changed; if the node "
			 "was reinstalled, run `%.*s`, then `ssh %s true`",
			 n, why,
			 forget ? (int)strcspn(forget, "\r\n") :
				  (int)strlen("ssh-keygen -R HOST"),
			 forget ? forget : "ssh-keygen -R HOST", host);
}

char *node_transport_child_explain(const char *reason,
				   const struct buf *stderr_text,
				   const struct node_address *address)
{
	/* The host inside an exec: command is unknown. */
	const char *host = address->kind == NODE_ADDRESS_SSH ? address->text :
							       "HOST";

	if (str_starts(reason, "Host key verification failed"))
		return advise_host_key(reason, buf_str(stderr_text), host);
	if (strstr(reason, ": Permission denied (") &&
	    strstr(reason, "publickey"))
		return xasprintf("%.*s; login without a password is required: "
				 "run `ssh-copy-id %s`",
				 (int)(strcspn(reason, ")") + 1), reason, host);
	if (str_starts(reason, "not a kfarm message: "))
		return xasprintf(
			"%s; the startup files of the node's shell must "
			"not print anything",
			reason);
	if (address->kind == NODE_ADDRESS_TLS &&
	    str_ends(reason, ": Connection refused"))
		return xasprintf("%s; kfarmd is not running on the node, or a "
				 "firewall rejects the connection",
				 reason);
	if (is_kfarmd_missing(reason))
		return xasprintf(
			"%s; install kfarmd on the node, %s", reason,
			address->kind == NODE_ADDRESS_EXEC ?
				"or correct the command of its address" :
				"in the PATH of a non-interactive ssh session");
	return xstrdup(reason);
}
