/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/redirect.h"

#include "shell/shell.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* What is in shell_put_aside.at when it is no descriptor. */
#define UNTOUCHED  (-2)
#define WAS_CLOSED (-1)
/* As much of a document goes into its pipe at once. */
#define HERE_AT_ONCE 4096
/* Ours lie above those that a script can name. */
#define OURS_FROM SHELL_REDIRECT_FDS

void shell_put_aside_init(struct shell_put_aside *aside)
{
	for (int fd = 0; fd < SHELL_REDIRECT_FDS; fd++)
		aside->at[fd] = UNTOUCHED;
}

static int expand_one(struct shell *sh, const struct shell_redir *r,
		      const char **out)
{
	if (!r->word || r->kind == SHELL_HERE)
		return 0;
	return shell_expand_word(&sh->expand, r->word, out);
}

int shell_redirect_expand(struct shell *sh, const struct shell_redir *list,
			  const char ***out)
{
	size_t n = 0;
	int ret = 0;

	for (const struct shell_redir *r = list; r; r = r->next)
		n++;
	*out = arena_alloc(&sh->arena, (n + 1) * sizeof(**out));
	memset(*out, 0, (n + 1) * sizeof(**out));
	for (size_t i = 0; list && !ret; list = list->next, i++)
		ret = expand_one(sh, list, &(*out)[i]);
	return ret;
}

static void become_writer(const int pipe_ends[2], const char *text)
{
	static const int ignored[] = { SIGINT, SIGQUIT, SIGHUP, SIGTSTP };

	close(pipe_ends[0]);
	for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGPIPE, SIG_DFL);
	shell_write(pipe_ends[1], text, strlen(text));
	_exit(0);
}

/* It is expanded only here, behind what is redirected in front of it. */
static int open_document(struct shell *sh, const struct shell_word *word)
{
	struct bytes expanded;
	int ret = shell_expand_text(&sh->expand, word, &expanded);
	const char *text;
	int ends[2];
	pid_t pid;

	if (ret == -EINVAL && !sh->skip)
		shell_say(sh, "%s", sh->expand.error);
	if (ret)
		return ret;
	text = arena_copy(&sh->arena, (const char *)expanded.data,
			  expanded.len);

	if (pipe(ends)) {
		shell_fail(sh, "Pipe call failed");
		return -EMFILE;
	}
	if (strlen(text) <= HERE_AT_ONCE) {
		shell_write(ends[1], text, strlen(text));
	} else {
		pid = fork();
		if (!pid)
			become_writer(ends, text);
	}
	close(ends[1]);
	return ends[0];
}

static int open_named(struct shell *sh, const char *name, int flags)
{
	int fd;

	do
		fd = open(name, flags, 0666);
	while (fd < 0 && errno == EINTR);
	if (fd >= 0)
		return fd;
	if (flags & O_CREAT)
		shell_say(sh, "cannot create %s: %s", name,
			  shell_open_words(errno, "Directory nonexistent"));
	else
		shell_say(sh, "cannot open %s: %s", name,
			  shell_open_words(errno, "No such file"));
	return -ENOENT;
}

/* The descriptor to become `r->fd`; negative: an error that was told. */
static int open_redirection(struct shell *sh, const struct shell_redir *r,
			    const char *word)
{
	switch (r->kind) {
	case SHELL_FROM:
		return open_named(sh, word, O_RDONLY);
	case SHELL_FROM_TO:
		return open_named(sh, word, O_RDWR | O_CREAT);
	case SHELL_TO:
	case SHELL_CLOBBER:
		return open_named(sh, word, O_WRONLY | O_CREAT | O_TRUNC);
	case SHELL_APPEND:
		return open_named(sh, word, O_WRONLY | O_CREAT | O_APPEND);
	case SHELL_HERE:
		return open_document(sh, r->word);
	case SHELL_DUP:
		break;
	}
	return -EINVAL;
}

int shell_redirect_hide(int fd)
{
	int hidden = fcntl(fd, F_DUPFD_CLOEXEC, OURS_FROM);

	close(fd);
	return hidden;
}

static void put_aside(struct shell_put_aside *aside, int fd)
{
	int at;

	if (!aside || aside->at[fd] != UNTOUCHED)
		return;
	at = fcntl(fd, F_DUPFD_CLOEXEC, OURS_FROM);
	aside->at[fd] = at < 0 ? WAS_CLOSED : at;
	/* So that an error in what follows is lost, as it is in dash. */
	close(fd);
}

void shell_redirect_one(struct shell_put_aside *aside, int to, int fd)
{
	if (to == fd) {
		if (aside && aside->at[to] == UNTOUCHED)
			aside->at[to] = WAS_CLOSED;
		fcntl(fd, F_SETFD, 0);
		return;
	}
	put_aside(aside, to);
	if (fd < 0) {
		close(to);
		return;
	}
	dup2(fd, to);
	close(fd);
}

static int duplicate(struct shell *sh, const struct shell_redir *r,
		     struct shell_put_aside *aside)
{
	if (r->from == r->fd)
		return 0;
	put_aside(aside, r->fd);
	if (r->from == SHELL_CLOSE) {
		close(r->fd);
		return 0;
	}
	if (dup2(r->from, r->fd) >= 0)
		return 0;
	shell_say(sh, "%d: %s", r->from, shell_errno_words(errno));
	return 2;
}

int shell_redirect(struct shell *sh, const struct shell_redir *list,
		   const char *const *words, struct shell_put_aside *aside)
{
	for (; list; list = list->next, words++) {
		int fd;

		if (list->kind == SHELL_DUP) {
			if (duplicate(sh, list, aside))
				return 2;
			continue;
		}
		fd = open_redirection(sh, list, *words);
		if (fd < 0)
			return 2;
		shell_redirect_one(aside, list->fd, fd);
	}
	return 0;
}

void shell_redirect_undo(struct shell_put_aside *aside, bool drop)
{
	for (int fd = 0; fd < SHELL_REDIRECT_FDS; fd++) {
		int at = aside->at[fd];

		if (at == UNTOUCHED)
			continue;
		if (at == WAS_CLOSED) {
			if (!drop)
				close(fd);
			continue;
		}
		if (!drop)
			dup2(at, fd);
		close(at);
	}
	shell_put_aside_init(aside);
}
