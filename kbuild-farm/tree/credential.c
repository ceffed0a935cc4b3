/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/credential.h"

#include "base/fs.h"
#include "base/spawn.h"
#include "base/str.h"
#include "base/url.h"
#include "tree/url.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_MAX (1u << 16)
#define TRIES_MAX  2

static bool has_terminal(void)
{
	return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

/*
 * git credential WHAT with `text` on stdin: its output, or NULL.  It stays in
 * our process group, or it could not ask at the terminal.
 */
static char *git_credential_program(const char *what, const char *text)
{
	char *argv[] = { "git", "credential", (char *)what, NULL };
	struct spawn run = { .argv = argv,
			     .fd = { -1, -1, -1 },
			     .dies_with_us = true };
	struct buf out = { 0 };
	struct strv env = { 0 };
	struct err ignored;
	pid_t pid;
	int ret;

	strv_add_all(&env, environ);
	if (!has_terminal())
		strv_add(&env, "GIT_TERMINAL_PROMPT=0");
	run.env = env.v;
	ret = fs_memory(bytes_str(text), &run.fd[0], &ignored);
	if (!ret)
		ret = fs_memory(bytes_str(""), &run.fd[1], &ignored);
	if (!ret)
		ret = spawn_start(&run, &pid, &ignored);
	if (!ret)
		ret = spawn_wait(pid);
	if (!ret)
		ret = fs_memory_read(run.fd[1], ANSWER_MAX, &out, &ignored);
	for (int i = 0; i < 2; i++) {
		if (run.fd[i] >= 0)
			close(run.fd[i]);
	}
	strv_release(&env);
	if (!ret)
		return buf_steal(&out);
	buf_release(&out);
	return NULL;
}

/* The value of a line KEY=VALUE; the caller frees it. */
static char *answered(const char *text, const char *key)
{
	size_t n = strlen(key);

	for (const char *line = text; *line; line++) {
		size_t len = strcspn(line, "\n");

		if (len > n && !strncmp(line, key, n) && line[n] == '=')
			return xstrndup(line + n + 1, len - n - 1);
		line += len;
		if (!*line)
			break;
	}
	return NULL;
}

static char *describe_server(const struct tree_url *url, const char *user)
{
	char *port = url->port ? xasprintf(":%s", url->port) : xstrdup("");
	char *who = user ? xasprintf("username=%s\n", user) : xstrdup("");
	char *out = xasprintf("protocol=%s\nhost=%s%s\npath=%s\n%s\n",
			      url->kind == TREE_URL_HTTPS ? "https" : "http",
			      url->host, port,
			      url->path + strspn(url->path, "/"), who);

	free(port);
	free(who);
	return out;
}

static int ask_git(struct tree_credential *c, const char *text,
		   const char *user, char **name, char **password)
{
	struct tree_url url;
	struct err err;
	char *question;

	if (tree_url_parse(&url, text, &err)) {
		git_error_set_str(GIT_ERROR_HTTP, err.text);
		return GIT_EAUTH;
	}
	question = describe_server(&url, user ? user : url.user);
	/* A person may have to look for the password; a helper has not. */
	tree_worker_asks(c->worker, has_terminal());
	c->description = git_credential_program("fill", question);
	tree_worker_asks(c->worker, false);
	free(question);
	tree_url_release(&url);
	if (!c->description)
		return GIT_EAUTH;
	*name = answered(c->description, "username");
	*password = answered(c->description, "password");
	return *name && *password ? 0 : GIT_EAUTH;
}

static int refuse_server(const char *url, const char *why)
{
	char *shown = url_shown(url), *text;

	text = xasprintf("%s %s; `git credential` tells name and password "
			 "where a helper is set up for them, or at a terminal",
			 shown, why);
	git_error_set_str(GIT_ERROR_HTTP, text);
	free(text);
	free(shown);
	return GIT_EAUTH;
}

int tree_credential_acquire(git_credential **out, const char *url,
			    const char *user, unsigned types, void *payload)
{
	struct tree_credential *c = payload;
	char *name = NULL, *password = NULL;
	int ret;

	if (!(types & GIT_CREDENTIAL_USERPASS_PLAINTEXT))
		return refuse_server(
			url, "wants to know who we are in a way that is "
			     "not known here");
	tree_credential_end(c, false);
	if (c->tries++ >= TRIES_MAX)
		return refuse_server(url, "did not let us in");
	ret = ask_git(c, url, user, &name, &password);
	ret = ret ? refuse_server(url, "asks for a name and a password") :
		    git_credential_userpass_plaintext_new(out, name, password);
	free(name);
	free(password);
	return ret;
}

void tree_credential_end(struct tree_credential *c, bool let_in)
{
	if (c->description)
		free(git_credential_program(let_in ? "approve" : "reject",
					    c->description));
	free(c->description);
	c->description = NULL;
}
