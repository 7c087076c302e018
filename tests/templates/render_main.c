// The render command as a program of its own: what tests and benches run without the rest of the product.
#include "app/cmd_render.h"

int main(int argc, char **argv)
{
    return cmd_render(argc, argv);
}
