/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Atomic operations of each size.  On arm64, they become instructions or calls
 * of libgcc.  For gcc, the choice is made when gcc is built.  clang makes the
 * same choice as the gcc that is installed with it.
 */
struct counters {
	_Atomic unsigned char byte;
	_Atomic unsigned short half;
	_Atomic int word;
	_Atomic long whole;
};

int canary_count(struct counters *c, int by);
long canary_exchange(long *to, long from, long value);
int canary_try(int *lock, int from, int to);
int canary_lock(int *lock);

int canary_count(struct counters *c, int by)
{
	c->byte++;
	c->half |= (unsigned short)by;
	c->whole ^= by;
	c->word += by;
	return c->word;
}

long canary_exchange(long *to, long from, long value)
{
	__atomic_compare_exchange_n(to, &from, value, 0, __ATOMIC_ACQ_REL,
				    __ATOMIC_ACQUIRE);
	return from + __atomic_exchange_n(to, value, __ATOMIC_RELAXED);
}

int canary_try(int *lock, int from, int to)
{
	return __sync_bool_compare_and_swap(lock, from, to) +
	       __sync_fetch_and_add(lock, to);
}

int canary_lock(int *lock)
{
	int taken = __atomic_fetch_or(lock, 1, __ATOMIC_ACQUIRE) & 1;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!taken)
		__atomic_store_n(lock, 0, __ATOMIC_RELEASE);
	return taken;
}
