/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inlining, constant propagation, tail calls, noinline, cold paths. */
struct node {
	struct node *next, **back;
	int key;
};

extern void canary_oops(const char *where, int line)
	__attribute__((cold, noreturn));
int canary_list(struct node **head, int key);
int canary_tail(int n, int sum);
long canary_atomic(long *p, int *q);

static inline __attribute__((always_inline)) void unlink_node(struct node *n)
{
	if (__builtin_expect(!n->back, 0))
		canary_oops(__func__, __LINE__);
	*n->back = n->next;
	if (n->next)
		n->next->back = n->back;
}

static __attribute__((noinline)) int weigh(const struct node *n, int by)
{
	return n ? n->key * by : by;
}

int canary_list(struct node **head, int key)
{
	int weight = 0;

	for (struct node *n = *head, *next; n; n = next) {
		next = n->next;
		weight += weigh(n, 3);
		if (n->key == key)
			unlink_node(n);
	}
	return weight + weigh(0, 5);
}

int canary_tail(int n, int sum)
{
	return n ? canary_tail(n - 1, sum + n) : sum;
}

long canary_atomic(long *p, int *q)
{
	long old = __atomic_load_n(p, __ATOMIC_ACQUIRE);

	__atomic_store_n(q, (int)old, __ATOMIC_RELEASE);
	__asm__ volatile("" ::: "memory");
	return *(volatile long *)p;
}
