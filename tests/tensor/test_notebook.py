"""What notebooks show of tensors, models and explanations."""

import baregrad as bg
from baregrad import Tensor
from baregrad.tensor.notebook import TABLE, Text, grid, table


def test_a_tensor_is_a_table_with_its_gradient_below():
    x = Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True, name="x")
    (x * x).sum().backward()
    shown = x._repr_mimebundle_()
    assert shown["text/plain"] == repr(x)
    assert shown["text/html"] == (
        "<p>x: leaf, shape (2, 2), float32</p>"
        f"{TABLE}<tr><td>1.0</td><td>2.0</td></tr><tr><td>3.0</td><td>4.0</td></tr></table>"
        "<p>gradient</p>"
        f"{TABLE}<tr><td>2.0</td><td>4.0</td></tr><tr><td>6.0</td><td>8.0</td></tr></table>"
    )


def test_names_cannot_become_markup():
    html = Tensor(1.0, name="<script>alert('&')</script>")._repr_mimebundle_()["text/html"]
    assert "<script" not in html
    assert "&lt;script&gt;alert(&#x27;&amp;&#x27;)" in html
    assert table([["<b>"]], ["<i>"]) == (
        f"{TABLE}<tr><th>&lt;i&gt;</th></tr><tr><td>&lt;b&gt;</td></tr></table>"
    )


def test_large_tensors_are_shortened():
    x = bg.arange(10000).reshape(10, 10, 100)
    rows = grid(x)
    assert [len(row) for row in rows] == [7] * 7
    assert rows[0] == ["0", "1", "2", "…", "97", "98", "99"]
    assert rows[3] == ["…"] * 7
    assert rows[-1][-1] == "9999"
    assert len(x._repr_mimebundle_()["text/html"]) < 2000


def test_tensors_of_few_axes_and_elements_have_rows_too():
    assert grid(Tensor(2.0)) == [["2.0"]]
    assert grid(Tensor([True, False])) == [["True", "False"]]
    assert grid(Tensor([])) == []
    assert grid(bg.zeros(0, 3)) == []


def test_a_result_says_which_operation_made_it():
    assert "result of tanh" in Tensor([1.0]).tanh()._repr_mimebundle_()["text/html"]


def test_a_tensor_of_which_no_number_is_known_yet_can_be_shown():
    shown = []

    def step(x):
        shown.append((x * 2)._repr_mimebundle_())
        return x

    bg.explain(step, Tensor([1.0]), stage="graph")
    assert "..." in shown[0]["text/plain"]
    assert "<table>" not in shown[0]["text/html"]


def test_a_model_is_its_summary():
    model = bg.MLP(2, [3, 1], seed=0)
    shown = model._repr_mimebundle_()
    assert shown["text/plain"] == f"{model!r}\n{model.summary()}"
    assert "<th>parameters</th>" in shown["text/html"]
    assert "<td>layers.0</td><td>Layer</td><td>3×2 3</td><td>9</td>" in shown["text/html"]
    assert "<td>13</td>" in shown["text/html"]


def test_an_explanation_keeps_its_lines():
    text = bg.explain(lambda x: x + 1, Tensor([1.0]), stage="graph")
    assert isinstance(text, str)
    assert text._repr_mimebundle_()["text/html"].startswith("<pre>")
    assert Text("a < b\nc")._repr_mimebundle_() == {
        "text/plain": "a < b\nc",
        "text/html": "<pre>a &lt; b\nc</pre>",
    }
