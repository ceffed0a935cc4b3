/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench/programs.c - Exact CPU time by program, from the kernel's taskstats of
 * each task that ends.
 *
 *	programs GID
 *
 * Prints "ready", then counts the tasks of that group, by executable, until
 * SIGTERM.  Then it prints a line for each: starts, microseconds, inode of the
 * executable, name.  The time before an exec counts for the new program.  Exits
 * with 1 without root, without taskstats, or if the kernel dropped messages.
 */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/taskstats.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST   4096
#define BUFFER (256 << 20)

static struct program {
	uint64_t inode, ns;
	unsigned long starts;
	char comm[TS_COMM_LEN];
} programs[MOST];
static unsigned n_programs;
static int fd;
static unsigned gid;
static volatile sig_atomic_t over;

static void on_term(int sig)
{
	(void)sig;
	over = 1;
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static const struct nlattr *next(const struct nlattr *a)
{
	return (const void *)((const char *)a + NLA_ALIGN(a->nla_len));
}

static const void *payload(const struct nlattr *a)
{
	return (const char *)a + NLA_HDRLEN;
}

/*
 * Find the attribute of a type in a range.  Returns NULL if the range has no
 * attribute of this type.
 */
static const struct nlattr *attribute(const void *from, const void *to,
				      uint16_t type)
{
	const struct nlattr *a = from;

	while ((const char *)a + NLA_HDRLEN <= (const char *)to &&
	       a->nla_len >= NLA_HDRLEN) {
		if ((a->nla_type & NLA_TYPE_MASK) == type)
			return a;
		a = next(a);
	}
	return NULL;
}

static void ask(uint16_t family, uint8_t cmd, uint16_t type, const char *text)
{
	struct {
		struct nlmsghdr head;
		struct genlmsghdr gen;
		struct nlattr attr;
		char text[64];
	} q = { .head = { .nlmsg_type = family, .nlmsg_flags = NLM_F_REQUEST },
		.gen = { .cmd = cmd, .version = 1 } };

	q.attr.nla_type = type;
	q.attr.nla_len = (uint16_t)(NLA_HDRLEN + strlen(text) + 1);
	strcpy(q.text, text);
	q.head.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN) +
			   NLA_ALIGN(q.attr.nla_len);
	if (send(fd, &q, q.head.nlmsg_len, 0) < 0)
		fail("netlink");
}

static uint16_t family_of_taskstats(void)
{
	_Alignas(8) char block[4096];
	const struct nlmsghdr *head = (const void *)block;
	const struct nlattr *id;
	ssize_t n;

	ask(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME,
	    TASKSTATS_GENL_NAME);
	n = recv(fd, block, sizeof(block), 0);
	id = n > 0 && head->nlmsg_type == GENL_ID_CTRL ?
		     attribute(block + NLMSG_HDRLEN + GENL_HDRLEN, block + n,
			       CTRL_ATTR_FAMILY_ID) :
		     NULL;
	if (!id) {
		fputs("programs: this kernel has no taskstats\n", stderr);
		exit(1);
	}
	return *(const uint16_t *)payload(id);
}

static void count(const struct taskstats *s)
{
	struct program *p = programs;

	if (s->ac_gid != gid)
		return;
	while (p < programs + n_programs &&
	       (p->inode != s->ac_exe_inode || strcmp(p->comm, s->ac_comm)))
		p++;
	if (p == programs + MOST) {
		p--; /* the last entry counts all further programs */
	} else if (p == programs + n_programs) {
		n_programs++;
		p->inode = s->ac_exe_inode;
		snprintf(p->comm, sizeof(p->comm), "%s", s->ac_comm);
	}
	p->ns += s->cpu_run_virtual_total;
	/* A thread is not a start. */
	p->starts += s->ac_pid == s->ac_tgid;
}

static void hear(const char *block, ssize_t n)
{
	const struct nlmsghdr *head = (const void *)block;

	for (; NLMSG_OK(head, n); head = NLMSG_NEXT(head, n)) {
		const char *from = (const char *)head + NLMSG_HDRLEN +
				   GENL_HDRLEN;
		const char *to = (const char *)head + head->nlmsg_len;
		const struct nlattr *task, *stats;
		struct taskstats s = { 0 };

		if (head->nlmsg_type == NLMSG_ERROR) {
			errno = -((const struct nlmsgerr *)NLMSG_DATA(head))
					 ->error;
			fail("taskstats");
		}
		task = attribute(from, to, TASKSTATS_TYPE_AGGR_PID);
		stats = task ? attribute(payload(task),
					 (const char *)task + task->nla_len,
					 TASKSTATS_TYPE_STATS) :
			       NULL;
		if (stats && stats->nla_len >= NLA_HDRLEN + sizeof(s)) {
			memcpy(&s, payload(stats), sizeof(s));
			count(&s);
		}
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_nl here = { .nl_family = AF_NETLINK };
	struct sigaction action = { .sa_handler = on_term };
	static _Alignas(8) char block[65536];
	int size = BUFFER;
	char cpus[32];
	ssize_t n;

	if (argc != 2) {
		fputs("usage: programs GID\n", stderr);
		return 1;
	}
	gid = (unsigned)atoi(argv[1]);
	sigaction(SIGTERM, &action, NULL);
	fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC);
	if (fd < 0 || bind(fd, (struct sockaddr *)&here, sizeof(here)))
		fail("netlink");
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	snprintf(cpus, sizeof(cpus), "0-%ld",
		 sysconf(_SC_NPROCESSORS_CONF) - 1);
	ask(family_of_taskstats(), TASKSTATS_CMD_GET,
	    TASKSTATS_CMD_ATTR_REGISTER_CPUMASK, cpus);
	puts("ready");
	fflush(stdout);
	/*
	 * Messages about tasks that ended before the signal are in the buffer
	 * now.
	 */
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		if (poll(&p, 1, over ? 0 : 100) <= 0) {
			if (over)
				break;
			continue;
		}
		n = recv(fd, block, sizeof(block), 0);
		if (n < 0 && errno != EINTR)
			fail("taskstats");
		if (n > 0)
			hear(block, n);
	}
	for (unsigned i = 0; i < n_programs; i++)
		printf("%lu\t%llu\t%llu\t%s\n", programs[i].starts,
		       (unsigned long long)programs[i].ns / 1000,
		       (unsigned long long)programs[i].inode, programs[i].comm);
	return 0;
}
