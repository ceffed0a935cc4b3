/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/redirect.h"

#include "base/vec.h"
#include "shell/shell.h"
#include "shell/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* Values of shell_saved_fds.fds that are not descriptors. */
#define FD_UNTOUCHED  (-2)
#define FD_WAS_CLOSED (-1)
/* a here-document up to this size is written to its pipe without a child */
#define HEREDOC_PIPE_BYTES 4096
/*
 * first number for the shell's own descriptors; scripts can redirect only lower
 * numbers
 */
#define HIGH_FD_MIN SHELL_REDIRECT_N_FDS

void shell_redirect_init_saved(struct shell_saved_fds *aside,
			       unsigned *closed_fds)
{
	for (int fd = 0; fd < SHELL_REDIRECT_N_FDS; fd++)
		aside->fds[fd] = FD_UNTOUCHED;
	aside->closed_fds = closed_fds;
}

/*
 * Record in aside->closed_fds whether a redirection, applied or undone, leaves
 * `fd` closed.  Returns true if `fd` was recorded as closed before.  Like dash,
 * records nothing if `aside` or aside->closed_fds is NULL; the result is then
 * false.
 */
static bool update_closed_fds(const struct shell_saved_fds *aside, int fd,
			      bool closed)
{
	unsigned bit = 1U << fd, was_closed;

	if (!aside || !aside->closed_fds)
		return false;
	was_closed = *aside->closed_fds & bit;
	*aside->closed_fds &= ~bit;
	*aside->closed_fds |= closed ? bit : 0;
	return was_closed;
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
	for (size_t i = 0; list && !ret; list = list->next, i++) {
		if (list->word && list->kind != SHELL_REDIR_HEREDOC)
			ret = shell_expand_word(&sh->expand, list->word,
						&(*out)[i]);
	}
	return ret;
}

/*
 * Expand a here-document and return the read end of a pipe with its text, or a
 * negative value on an error.  The caller has already applied the redirections
 * that precede the here-document, so they affect commands in its expansion.
 */
static int open_heredoc(struct shell *sh, const struct shell_word *word)
{
	static const int ignored[] = { SIGINT, SIGQUIT, SIGHUP, SIGTSTP };
	struct bytes text;
	int ret = shell_expand_heredoc(&sh->expand, word, &text);
	int ends[2];
	pid_t pid;

	if (ret == -EINVAL && !sh->skip)
		shell_print_message(sh, "%s", sh->expand.error);
	if (ret)
		return ret;
	if (pipe(ends)) {
		shell_fail(sh, "Pipe call failed");
		return -EMFILE;
	}
	if (text.len <= HEREDOC_PIPE_BYTES) {
		bytes_write(ends[1], text);
	} else if ((pid = fork()) < 0) {
		close(ends[0]);
		close(ends[1]);
		shell_fail(sh, "Cannot fork");
		return -EAGAIN;
	} else if (!pid) {
		close(ends[0]);
		for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
			signal(ignored[i], SIG_IGN);
		signal(SIGPIPE, SIG_DFL);
		bytes_write(ends[1], text);
		_exit(0);
	}
	close(ends[1]);
	return ends[0];
}

static int open_redir_file(struct shell *sh, const char *name, int flags)
{
	int fd;

	/* As in dash, a trap ends the wait for the other end of a FIFO. */
	do
		fd = open(name, flags, 0666);
	while (fd < 0 && errno == EINTR && !shell_signals_pending());
	if (fd >= 0)
		return fd;
	if (flags & O_CREAT)
		shell_print_message(
			sh, "cannot create %s: %s", name,
			shell_open_error_text(errno, "Directory nonexistent"));
	else
		shell_print_message(
			sh, "cannot open %s: %s", name,
			shell_open_error_text(errno, "No such file"));
	return -ENOENT;
}

/*
 * Open the descriptor that becomes `r->fd`.  Returns a negative value after
 * printing an error.
 */
static int open_redirection(struct shell *sh, const struct shell_redir *r,
			    const char *word)
{
	switch (r->kind) {
	case SHELL_REDIR_INPUT:
		return open_redir_file(sh, word, O_RDONLY);
	case SHELL_REDIR_READ_WRITE:
		return open_redir_file(sh, word, O_RDWR | O_CREAT);
	case SHELL_REDIR_OUTPUT:
	case SHELL_REDIR_CLOBBER:
		return open_redir_file(sh, word, O_WRONLY | O_CREAT | O_TRUNC);
	case SHELL_REDIR_APPEND:
		return open_redir_file(sh, word, O_WRONLY | O_CREAT | O_APPEND);
	case SHELL_REDIR_HEREDOC:
		return open_heredoc(sh, r->word);
	case SHELL_REDIR_DUP:
		break;
	}
	return -EINVAL;
}

int shell_redirect_move_high(int fd)
{
	int hidden = fcntl(fd, F_DUPFD_CLOEXEC, HIGH_FD_MIN);

	close(fd);
	return hidden;
}

static void save_fd(struct shell_saved_fds *aside, int fd)
{
	int at;

	if (!aside || aside->fds[fd] != FD_UNTOUCHED)
		return;
	at = fcntl(fd, F_DUPFD_CLOEXEC, HIGH_FD_MIN);
	aside->fds[fd] = at < 0 ? FD_WAS_CLOSED : at;
	/*
	 * Like dash, close `fd` before dup2(2) replaces it.  If `fd` is stderr
	 * and dup2(2) fails, the error message is therefore lost, as in dash.
	 * In a subshell (`closed_fds` is NULL), dash neither saves nor closes
	 * `fd`.
	 */
	if (aside->closed_fds)
		close(fd);
}

void shell_redirect_fd(struct shell_saved_fds *saved, int to, int fd)
{
	if (to == fd) {
		if (saved && saved->fds[to] == FD_UNTOUCHED)
			saved->fds[to] = FD_WAS_CLOSED;
		fcntl(fd, F_SETFD, 0);
		return;
	}
	save_fd(saved, to);
	if (fd < 0) {
		close(to);
		return;
	}
	dup2(fd, to);
	close(fd);
}

/* Record that `to` will be opened or closed.  Call this before save_fd(). */
static void record_redirection(struct shell_saved_fds *aside, int to,
			       bool closed)
{
	if (update_closed_fds(aside, to, closed) &&
	    aside->fds[to] == FD_UNTOUCHED)
		aside->fds[to] = FD_WAS_CLOSED;
}

static int duplicate_fd(struct shell *sh, const struct shell_redir *r,
			struct shell_saved_fds *aside)
{
	if (r->source_fd == r->fd)
		return 0;
	record_redirection(aside, r->fd, r->source_fd == SHELL_REDIR_CLOSE_FD);
	save_fd(aside, r->fd);
	if (r->source_fd == SHELL_REDIR_CLOSE_FD) {
		close(r->fd);
		return 0;
	}
	if (dup2(r->source_fd, r->fd) >= 0)
		return 0;
	shell_print_message(sh, "%d: %s", r->source_fd,
			    shell_errno_text(errno));
	return 2;
}

int shell_redirect_apply(struct shell *sh, const struct shell_redir *list,
			 const char *const *words,
			 struct shell_saved_fds *saved)
{
	for (; list; list = list->next, words++) {
		int fd;

		if (list->kind == SHELL_REDIR_DUP) {
			if (duplicate_fd(sh, list, saved))
				return 2;
			continue;
		}
		fd = open_redirection(sh, list, *words);
		if (fd < 0)
			return 2;
		record_redirection(saved, list->fd, false);
		shell_redirect_fd(saved, list->fd, fd);
	}
	return 0;
}

void shell_redirect_restore(struct shell_saved_fds *saved, bool discard)
{
	for (int fd = 0; fd < SHELL_REDIRECT_N_FDS; fd++) {
		int at = saved->fds[fd];

		if (at == FD_UNTOUCHED)
			continue;
		if (!discard)
			update_closed_fds(saved, fd, at == FD_WAS_CLOSED);
		if (at == FD_WAS_CLOSED) {
			if (!discard)
				close(fd);
			continue;
		}
		if (!discard)
			dup2(at, fd);
		close(at);
	}
	shell_redirect_init_saved(saved, saved->closed_fds);
}
