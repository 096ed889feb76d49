import typer
app = typer.Typer()
@app.command()
def lint() -> None:
    """x"""
@app.command()
def test() -> None:
    """x"""
