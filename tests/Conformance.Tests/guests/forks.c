/* Forks, ends and reaps, N times; counts those that came back right. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int c, char **v)
{
    int n = atoi(v[1]), k = 0;
    for (int i = 0; i < n; i++) {
        pid_t p = fork();
        if (p < 0) {
            perror("fork");
            return 1;
        }
        if (!p)
            _exit(i & 127);
        int s;
        waitpid(p, &s, 0);
        if (WIFEXITED(s) && WEXITSTATUS(s) == (i & 127))
            k++;
    }
    printf("%d\n", k);
    return 0;
}
