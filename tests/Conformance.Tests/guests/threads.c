/* N threads alive at once, each counted. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
static pthread_barrier_t b;
static int cnt;
static void *f(void *a)
{
    pthread_barrier_wait(&b);
    __sync_fetch_and_add(&cnt, 1);
    return a;
}
int main(int c, char **v)
{
    int n = atoi(v[1]);
    pthread_t *t = malloc(n * sizeof *t);
    pthread_barrier_init(&b, 0, n + 1);
    pthread_attr_t at;
    pthread_attr_init(&at);
    pthread_attr_setstacksize(&at, 65536);
    for (int i = 0; i < n; i++) {
        int e = pthread_create(t + i, &at, f, 0);
        if (e) {
            printf("err %d at %d\n", e, i);
            return 1;
        }
    }
    pthread_barrier_wait(&b);
    for (int i = 0; i < n; i++)
        pthread_join(t[i], 0);
    printf("%d\n", cnt);
    return 0;
}
