/* Stands for Git for Windows with nothing configured. */
#include <stdio.h>
#include <string.h>

int main(int count, char **words) {
    if (count == 2 && strcmp(words[1], "--version") == 0) {
        puts("git version 2.54.0.windows.1");
        return 0;
    }
    return 1;
}
